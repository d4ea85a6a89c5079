"""One engine speaks for all attempts of a run, and says the same as alone."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from helpers import Batch, write_suite

from results.records import Graded, Replied
from results.store import Run

QUICK = (
    *("--sandbox", "bubblewrap", "--set", "limits.turns=2", "--set", "limits.action_tokens=8"),
    *("--set", "device=cpu"),
)


def said(run: Run, instance: str, sample: int) -> list[tuple[int, ...]]:
    entries = run.find(instance, sample).entries()
    return [entry.event.reply.ids for entry in entries if isinstance(entry.event, Replied)]


def test_samples_differ_and_neighbours_do_not_matter(
    batch: Batch, make_checkpoint: Callable[..., Path]
) -> None:
    checkpoint = make_checkpoint("tiny", max_position_embeddings=8192)
    suite, _ = write_suite(batch.folder, range(1, 3))
    short = ("--set", "prompt_pack=nano")  # a prompt of a few hundred tokens
    common = ("run", suite, "--model", checkpoint, *QUICK, *short)
    together = (*common, "--name", "many", "--samples", 2, "--workers", 4, "--json")
    done, other = batch.in_turn([together, (*common, "--name", "alone", "--id", "nano-seen-2")])
    assert (done.returncode, other.returncode) == (0, 0), (done.stderr, other.stderr)
    assert json.loads(done.stdout.splitlines()[1])["status"]["counts"]["unresolved"] == 4
    many, alone = batch.run("many"), batch.run("alone")
    assert all(len(ids) == 8 for ids in said(many, "nano-seen-1", 0))
    assert said(many, "nano-seen-2", 0) == said(alone, "nano-seen-2", 0)
    assert said(many, "nano-seen-2", 0) != said(many, "nano-seen-2", 1)


def test_samples_share_one_prefill_of_their_issue(batch: Batch) -> None:
    """Counted by the engine itself, which the bundled model runs in."""
    suite, _ = write_suite(batch.folder, range(1, 2))
    common = ("run", suite, *QUICK, "--set", "limits.turns=1", "--set", "sampling.temperature=1")
    done = batch.in_turn(
        [
            (
                *common,
                "--name",
                f"of-{samples}",
                "--samples",
                samples,
                "--workers",
                samples,
                "--json",
            )
            for samples in (1, 4)
        ]
    )
    assert [answer.returncode for answer in done] == [0, 0], done
    counted = {}
    for samples, answer in zip((1, 4), done, strict=True):
        (counted[samples],) = json.loads(answer.stdout.splitlines()[1])["status"]["engines"]
    entries = batch.run("of-1").find("nano-seen-1", 0).entries()
    (prompt,) = [e.event.reply.prompt_tokens for e in entries if isinstance(e.event, Replied)]
    assert counted[1]["prefilled"] == prompt
    grades = [
        entry.event
        for sample in range(4)
        for entry in batch.run("of-4").find("nano-seen-1", sample).entries()
        if isinstance(entry.event, Graded)
    ]
    asked = sum(grade.context_tokens + grade.question_tokens for grade in grades)
    again = asked - sum(grade.cached_tokens for grade in grades)
    # What is left of each one's last page, and what asking for the grades took.
    assert counted[4]["prefilled"] <= prompt + 3 + again
    assert counted[4]["cached"] == 4 * prompt - (counted[4]["prefilled"] - again)
    assert counted[4]["decoded"] == len(grades) + sum(
        len(ids) for sample in range(4) for ids in said(batch.run("of-4"), "nano-seen-1", sample)
    )
    assert said(batch.run("of-1"), "nano-seen-1", 0) == said(batch.run("of-4"), "nano-seen-1", 0)


def test_a_bad_checkpoint_leaves_no_run(batch: Batch) -> None:
    suite, _ = write_suite(batch.folder, range(1, 2))
    (batch.folder / "empty").mkdir()
    _, stderr = batch("run", suite, "--model", "empty", "--name", "run", *QUICK, code=None)
    assert "error: " in stderr
    assert json.loads(batch("ls", "--json")[0]) == []
    assert not (batch.folder / "runs" / "run").exists()
