"""Logits and tokens against transformers, on tiny random checkpoints that it wrote itself."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import torch

from model.checkpoint.weights import load_weights
from model.config.config import read_config
from model.engine.build import EngineOptions, build_engine
from model.engine.generation import Request
from model.engine.scheduler import SchedulerSettings
from model.engine.session import Session
from model.kvcache.dense import DenseCache
from model.runner.transformer import Transformer
from model.step.sampler import GREEDY
from model.text.stops import IdWatcher

WINDOW = 16
VOCABULARY = 576
LLAMA3 = {
    "rope_type": "llama3",
    "rope_theta": 10_000.0,
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 32,
}
SHAPE: dict[str, Any] = {
    "vocab_size": VOCABULARY,
    "hidden_size": 48,
    "intermediate_size": 96,
    "num_attention_heads": 6,
    "num_key_value_heads": 2,
    "head_dim": 8,
    "max_position_embeddings": 512,
    "bos_token_id": 320,
    "eos_token_id": [321, 328, 329],
    "initializer_range": 0.3,
}
LAYER_TYPES = ["full_attention" if i in (0, 4, 7) else "sliding_attention" for i in range(8)]


@dataclass(frozen=True)
class Pair:
    """A model of transformers and ours, from the same folder."""

    theirs: Any
    ours: Transformer
    folder: Path

    def their_logits(self, ids: torch.Tensor) -> torch.Tensor:
        with torch.inference_mode():
            logits: torch.Tensor = self.theirs(ids[None]).logits[0]
        return logits

    def our_logits(self, ids: torch.Tensor) -> torch.Tensor:
        cache = DenseCache(self.ours.config, self.ours.device, self.ours.dtype)
        return self.ours.logits(ids, cache, last_only=False)


def load(folder: Path, device: str = "cpu", dtype: torch.dtype = torch.float32) -> Transformer:
    config = read_config(folder)
    weights = load_weights(folder, config, device=torch.device(device), dtype=dtype)
    return Transformer(config, weights)


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Pair]:
    """Written with transformers' own classes, norms randomised so that they matter."""
    from transformers import CwmConfig, CwmForCausalLM, LlamaConfig, LlamaForCausalLM

    torch.set_num_threads(1)
    wanted = {
        "cwm": (
            CwmForCausalLM,
            CwmConfig(
                **SHAPE,
                num_hidden_layers=8,
                layer_types=LAYER_TYPES,
                sliding_window=WINDOW,
                rope_parameters=LLAMA3 | {"rope_theta": 1e6, "factor": 16.0},
            ),
        ),
        "llama": (LlamaForCausalLM, LlamaConfig(**SHAPE, num_hidden_layers=3)),
        "llama-scaled-tied": (
            LlamaForCausalLM,
            LlamaConfig(
                **SHAPE, num_hidden_layers=3, rope_parameters=LLAMA3, tie_word_embeddings=True
            ),
        ),
    }
    made = {}
    for name, (kind, config) in wanted.items():
        torch.manual_seed(len(name))
        theirs = kind(config).float().eval()
        with torch.no_grad():
            for key, weight in theirs.named_parameters():
                if "norm" in key:
                    weight.uniform_(0.5, 1.5)
        folder = tmp_path_factory.mktemp(name)
        theirs.save_pretrained(folder)
        made[name] = Pair(theirs, load(folder), folder)
    return made


def some_ids(count: int, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, VOCABULARY, (count,), generator=generator)


@pytest.mark.parametrize("length", [1, WINDOW - 1, WINDOW, WINDOW + 1, 3 * WINDOW])
@pytest.mark.parametrize("name", ["cwm", "llama", "llama-scaled-tied"])
def test_logits_equal_those_of_transformers(pairs: dict[str, Pair], name: str, length: int) -> None:
    pair, ids = pairs[name], some_ids(length)
    torch.testing.assert_close(pair.our_logits(ids), pair.their_logits(ids), atol=1e-4, rtol=0)


@pytest.mark.parametrize("name", ["cwm", "llama-scaled-tied"])
def test_the_comparison_could_fail(pairs: dict[str, Pair], name: str) -> None:
    """The tolerance is far below what one wrong frequency table or window would cause."""
    pair, ids = pairs[name], some_ids(3 * WINDOW)
    raw = json.loads((pair.folder / "config.json").read_text())
    raw["rope_parameters"]["factor"] = 2.0
    broken = pair.folder.parent / f"{name}-broken"
    broken.mkdir()
    (broken / "config.json").write_text(json.dumps(raw))
    (broken / "model.safetensors").symlink_to(pair.folder / "model.safetensors")
    theirs = pair.their_logits(ids)
    ours = Pair(pair.theirs, load(broken), broken).our_logits(ids)
    assert (ours - theirs).abs().max() > 1e-2


def test_a_window_one_too_wide_would_be_seen(pairs: dict[str, Pair]) -> None:
    pair = pairs["cwm"]
    wide = read_config(pair.folder)
    windows = tuple(window and window + 1 for window in wide.windows)
    ours = Transformer(replace(wide, windows=windows), pair.ours.weights)
    at_window, beyond = some_ids(WINDOW), some_ids(WINDOW + 1)
    cut = Pair(pair.theirs, ours, pair.folder)
    torch.testing.assert_close(
        cut.our_logits(at_window), pair.their_logits(at_window), atol=1e-4, rtol=0
    )
    assert (cut.our_logits(beyond) - pair.their_logits(beyond)).abs().max() > 1e-2


def test_the_old_names_of_rope_values_mean_the_same(pairs: dict[str, Pair], tmp_path: Path) -> None:
    pair = pairs["cwm"]
    raw = json.loads((pair.folder / "config.json").read_text())
    rope = raw.pop("rope_parameters")
    raw |= {"rope_theta": rope.pop("rope_theta"), "rope_scaling": rope, "model_type": "llama"}
    (tmp_path / "config.json").write_text(json.dumps(raw))
    (tmp_path / "model.safetensors").symlink_to(pair.folder / "model.safetensors")
    old = Pair(pair.theirs, load(tmp_path), tmp_path)
    ids = some_ids(3 * WINDOW)
    assert torch.equal(old.our_logits(ids), pair.our_logits(ids))


@pytest.mark.parametrize("name", ["cwm", "llama"])
def test_greedy_generation_is_identical(pairs: dict[str, Pair], name: str) -> None:
    pair, prompt = pairs[name], some_ids(20, seed=3)
    theirs = pair.theirs.generate(
        prompt[None], max_new_tokens=64, do_sample=False, eos_token_id=None, pad_token_id=0
    )[0, 20:]
    engine = build_engine(
        pair.ours.config,
        pair.ours.weights,
        EngineOptions(scheduling=SchedulerSettings(chunk=7), kv_bytes=2**22),
    )
    session = Session(engine)
    session.append(prompt.tolist())
    answer = session.generate(Request(64, GREEDY), IdWatcher())
    engine.run_until_idle()
    assert list(answer.result().ids) == theirs.tolist()
    assert len(set(theirs.tolist())) > 10  # not a trivial loop


@pytest.mark.parametrize("chunks", [[48], [1] * 48, [15, 1, 17, 15], [16, 16, 16], [40, 8]])
def test_chunks_give_the_logits_of_the_whole(pairs: dict[str, Pair], chunks: list[int]) -> None:
    pair, ids = pairs["cwm"], some_ids(48)
    cache = DenseCache(pair.ours.config, pair.ours.device, pair.ours.dtype)
    parts = [pair.ours.logits(part, cache, last_only=False) for part in ids.split(chunks)]
    torch.testing.assert_close(torch.cat(parts), pair.their_logits(ids), atol=1e-4, rtol=0)
    assert cache.length == 48


def test_bfloat16_rounds_no_worse_than_transformers_does(pairs: dict[str, Pair]) -> None:
    pair, ids = pairs["cwm"], some_ids(3 * WINDOW)
    theirs = type(pair.theirs).from_pretrained(pair.folder, dtype=torch.bfloat16).eval()
    narrow = Pair(theirs, load(pair.folder, dtype=torch.bfloat16), pair.folder)
    exact = pair.their_logits(ids)
    our_error = (narrow.our_logits(ids) - exact).std()
    their_error = (narrow.their_logits(ids).float() - exact).std()
    assert 0 < our_error < 1.2 * their_error < 0.5 * exact.std()


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_logits_on_cuda_equal_those_on_the_cpu(pairs: dict[str, Pair]) -> None:
    pair, ids = pairs["cwm"], some_ids(3 * WINDOW)
    ours = load(pair.folder, "cuda")
    cache = DenseCache(ours.config, ours.device, ours.dtype)
    logits = ours.logits(ids.cuda(), cache, last_only=False)
    torch.testing.assert_close(logits.cpu(), pair.their_logits(ids), atol=1e-4, rtol=0)
