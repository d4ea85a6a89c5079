"""`cwm-agent bench engine`: the same questions to our engine and to transformers.

Figures are checked for what they are computed from, never for speed.
"""

from __future__ import annotations

import contextlib
import io
import json
import statistics
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from cwm_agent.cli.main import run

SMALL = ["--threads", "1", "--sessions", "3", "--turns", "3", "--rounds", "2", "--edits", "1"]
PROMPT = 200
SIZES = ["--prompt-tokens", str(PROMPT), "--reply-tokens", "6", "--observation-tokens", "9"]


@dataclass(frozen=True)
class Done:
    """What a command line left."""

    code: int
    stdout: str
    stderr: str


def bench(*arguments: str) -> Done:
    """In this process: loading torch and transformers takes longer than what is measured here."""
    stdout, stderr = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(stdout), contextlib.redirect_stderr(stderr):
        code = run(["bench", "engine", *arguments])
    return Done(code, stdout.getvalue(), stderr.getvalue())


def measured(*arguments: str) -> dict[str, Any]:
    done = bench("--json", *SMALL, *SIZES, *arguments)
    assert done.code == 0, done.stderr
    figures: dict[str, Any] = json.loads(done.stdout)
    return figures


@pytest.fixture(scope="module")
def figures() -> dict[str, Any]:
    return measured("--shape", "tiny")


def test_everybody_said_the_same(figures: dict[str, Any]) -> None:
    assert figures["ids_equal"] is True
    assert [peer["equal_replies"] for peer in figures["sessions"]["peers"].values()] == [1.0] * 3
    assert figures["batch"]["equal_answers"] == 1.0


def test_ratios_are_medians_of_the_rounds_shown(figures: dict[str, Any]) -> None:
    def ratio(ours: list[float], theirs: list[float]) -> float:
        return statistics.median(b / a for a, b in zip(ours, theirs, strict=True))

    one, many = figures["batch1"], figures["sessions"]
    assert figures["batch1_ratio"] == ratio(one["engine_seconds"], one["transformers_seconds"])
    plain = ratio(one["engine_plain_seconds"], one["transformers_seconds"])
    assert figures["batch1_plain_ratio"] == plain
    ratios = {
        name: ratio(many["engine_seconds"], peer["seconds"]) for name, peer in many["peers"].items()
    }
    assert figures["sessions16_ratio"] == min(ratios["batched"], ratios["cached"])
    assert figures["sessions16_plain_ratio"] == ratios["plain"]
    assert len(many["engine_seconds"]) == figures["rounds"] == 2


def test_only_what_is_new_was_computed_after_turn_one(figures: dict[str, Any]) -> None:
    many = figures["sessions"]
    second, third = PROMPT + 6 + 9, PROMPT + 2 * (6 + 9)
    assert many["context_tokens"] == 3 * (second + third)
    assert many["new_tokens"] == many["computed_tokens"] == 3 * 2 * (1 + 9)
    assert (many["recomputed_tokens"], figures["recomputed_share"]) == (0, 0)
    assert many["reused_share"] == 1 - many["computed_tokens"] / many["context_tokens"]


def test_the_first_token_is_timed_in_every_turn(figures: dict[str, Any]) -> None:
    many = figures["sessions"]
    by_turn = many["first_token_by_turn"]
    assert len(by_turn) == 3
    assert min(by_turn) <= many["first_token_median"] <= max(by_turn) <= many["first_token_p95"]


def test_pages_of_the_shared_prompt_are_held_once(figures: dict[str, Any]) -> None:
    many = figures["sessions"]
    a_token = 2 * 2 * 8 * 4  # keys and values, heads, head_dim, bytes
    tokens = PROMPT + 3 * 6 + 2 * 9
    assert many["unshared_bytes"] == 3 * a_token * (2 * tokens + 16)
    # Each session has a page at either end that it does not fill.
    own, page = tokens - PROMPT, 16
    most = a_token * (2 * (PROMPT + 3 * (own + 2 * page)) + 3 * (16 + 2 * page))
    assert 0 < many["held_bytes"] <= most < many["unshared_bytes"]


def test_copying_answers_take_fewer_steps_with_lookup(figures: dict[str, Any]) -> None:
    edits = figures["edits"]
    assert figures["step_ratio"] == edits["plain_steps"] / edits["steps"]
    assert edits["plain_steps"] == sum(edits["reply_tokens"])
    assert edits["steps"] == edits["plain_steps"] - edits["accepted"]
    assert figures["step_ratio"] >= 1.5
    assert edits["ids_equal"] is True


def test_the_machine_and_the_model_are_named(figures: dict[str, Any]) -> None:
    import torch
    import transformers

    setting = figures["setting"]
    assert (setting["threads"], setting["dtype"]) == (1, "float32")
    assert setting["torch"] == torch.__version__
    assert setting["transformers"] == transformers.__version__
    assert setting["model"] == "random:tiny"
    assert setting["config"]["windows"] == [None, 16, None]


def test_a_checkpoint_is_measured_with_its_own_tokenizer(
    make_checkpoint: Callable[..., Path],
) -> None:
    folder = make_checkpoint(max_position_embeddings=4096)
    figures = measured("--model", str(folder), "--parts", "sessions")
    assert figures["setting"]["model"] == "tiny"
    assert figures["ids_equal"] is True
    assert (figures["edits"], figures["step_ratio"], figures["batch"]) == (None, None, None)


def test_people_get_a_table_and_progress_on_stderr() -> None:
    done = bench("--shape", "tiny", "--parts", "batch", *SMALL)
    assert done.code == 0, done.stderr
    assert "generate, one padded batch" in done.stdout
    assert "ids equal everywhere: yes" in done.stdout
    assert "round 2 of 2" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "remedy"),
    [
        (["--parts", "speed"], 2, "batch1,sessions,edits,batch"),
        (["--model", "nowhere"], 5, "give the folder of a checkpoint"),
        (["--shape", "tiny", "--prompt-tokens", "9000000"], 2, "ask for a shorter one"),
        (["--turns", "1"], 2, "2"),
    ],
)
def test_bad_arguments_say_what_to_do(arguments: list[str], code: int, remedy: str) -> None:
    done = bench(*arguments)
    assert (done.code, done.stdout) == (code, "")
    assert remedy in done.stderr
    assert "Traceback" not in done.stderr
