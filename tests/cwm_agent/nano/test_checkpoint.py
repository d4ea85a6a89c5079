"""The bundled checkpoint: one answer in transformers, in the engine and in every sandbox."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
import torch

from cwm_agent.bench.trace import TraceBench, measure_free
from cwm_agent.debug.evaluate.figures import exact
from cwm_agent.generated.repository import issue_task
from cwm_agent.generated.task import NanoTask, draw_task
from cwm_agent.nano.attempts import Attempted, TaskSetting
from cwm_agent.nano.expert import Odds, converse
from cwm_agent.nano.rendering import Weights, render_conversation
from cwm_agent.policies import bundled
from cwm_agent.policies.embedded import EmbeddedPolicy
from envs.issue.budget import Limits
from envs.repository.verify import verify
from envs.sandbox.sandbox import Sandbox
from model.checkpoint.open import load_checkpoint, open_checkpoint
from model.engine.build import EngineOptions, build_engine
from model.engine.generation import Request
from model.engine.session import Session
from model.kvcache.dense import DenseCache
from model.runner.transformer import Transformer
from model.step.sampler import Sampling
from model.text.chat import ChatFormat
from model.text.stops import IdWatcher
from tools.texts import Texts

FOLDER = bundled.folder()
MOST_BYTES = 12_000_000
LIMITS = Limits(turns=16, context_tokens=2048, action_tokens=512)


@pytest.fixture(scope="module")
def conversation(texts: Texts) -> list[int]:
    """The ids of a conversation that is longer than several windows."""
    files = open_checkpoint(FOLDER, device="cpu")
    task = draw_task("checkpoint", "seen")
    turns = converse(task, random.Random(1), texts, Odds(mistake=1.0)).turns
    return list(render_conversation(turns, ChatFormat(files.tokenizer), Weights()).ids)


@pytest.fixture(scope="module")
def twin() -> torch.nn.Module:
    from transformers import CwmForCausalLM

    return CwmForCausalLM.from_pretrained(FOLDER, dtype=torch.float32).eval()


def test_the_files_are_small_and_say_what_they_are() -> None:
    assert (FOLDER / "model.safetensors").stat().st_size < MOST_BYTES
    assert "nano" in (FOLDER / "README.md").read_text()


def test_logits_are_those_of_transformers(conversation: list[int], twin: torch.nn.Module) -> None:
    checkpoint = load_checkpoint(FOLDER, device="cpu")
    config = checkpoint.config
    assert len(conversation) > 2 * min(window for window in config.windows if window)
    ids = torch.tensor(conversation)
    transformer = Transformer(config, checkpoint.weights)
    cache = DenseCache(config, transformer.device, transformer.dtype)
    ours = transformer.logits(ids, cache, last_only=False)
    with torch.inference_mode():
        theirs = twin(ids[None]).logits[0]
    assert torch.allclose(ours, theirs, atol=1e-3)
    assert (ours - theirs).abs().max() < 1e-3 * theirs.abs().max()


def test_tokens_are_those_of_transformers_with_and_without_speculation(
    conversation: list[int], twin: torch.nn.Module
) -> None:
    prompt, count = conversation[: len(conversation) // 2], 96
    generated = twin.generate(  # type: ignore[operator]
        torch.tensor([prompt]), max_new_tokens=count, do_sample=False, eos_token_id=None
    )[0, len(prompt) :].tolist()
    for options in (EngineOptions(), EngineOptions(speculation=None)):
        assert engine_tokens(prompt, count, options) == generated


def engine_tokens(prompt: list[int], count: int, options: EngineOptions) -> list[int]:
    files = open_checkpoint(FOLDER, device="cpu")
    with closing(build_engine(files.config, files.source, options)) as engine:
        engine.start()
        session = Session(engine)
        session.append(prompt)
        request = Request(count, Sampling(temperature=0.0))
        return list(session.generate(request, IdWatcher()).result().ids)


@pytest.fixture(scope="module")
def policy() -> Iterator[EmbeddedPolicy]:
    with closing(EmbeddedPolicy(FOLDER, device="cpu", sampling=Sampling(0.0))) as policy:
        yield policy


@pytest.fixture(scope="module")
def solved_elsewhere() -> dict[str, tuple[str, bool]]:
    """Patch and verdict of each task in the sandbox that was tried first."""
    return {}


TASKS = [("seen", str(number)) for number in range(6)] + [("unseen", "1"), ("phrasing", "1")]
FEW = [("seen", "0"), ("seen", "1"), ("unseen", "1")]


@pytest.mark.parametrize(
    "tasks", [FEW, pytest.param(TASKS, marks=pytest.mark.slow)], ids=["few", "all"]
)
def test_seen_tasks_are_solved_and_both_sandboxes_say_the_same(
    policy: EmbeddedPolicy,
    texts: Texts,
    make_sandbox: Callable[[], Sandbox],
    tmp_path: Path,
    solved_elsewhere: dict[str, tuple[str, bool]],
    tasks: list[tuple[str, str]],
) -> None:
    place = TaskSetting(policy, texts, LIMITS, make_sandbox, "test", tmp_path)
    solved = 0
    for split, seed in tasks:
        task = draw_task(f"test/{seed}", split)  # type: ignore[arg-type]
        attempted = place.attempt(task, sample=0, seed=1)
        resolved = judged(place, task, attempted)
        solved += resolved and split == "seen"
        first = solved_elsewhere.setdefault(f"{split}/{seed}", (attempted.patch, resolved))
        assert (attempted.patch, resolved) == first
    assert solved >= 2


def judged(place: TaskSetting, task: NanoTask, attempted: Attempted) -> bool:
    if not attempted.patch:
        return False
    real = issue_task(task, place.repository(task))
    return verify(real, attempted.patch, place.make_sandbox).resolved


@pytest.mark.parametrize("programs", [6, pytest.param(20, marks=pytest.mark.slow)])
def test_most_frames_of_unseen_programs_are_predicted(programs: int) -> None:
    side = measure_free(TraceBench(programs, model=FOLDER), lambda _line: None)
    assert exact(side.judged).value > 0.6
