"""One engine speaks for all attempts of a run, and says the same as alone."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from helpers import Batch, write_suite

from results.records import Replied
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
    common = ("run", suite, "--model", checkpoint, *QUICK)
    (_, done) = batch.json(*common, "--name", "many", "--samples", 2, "--workers", 4)
    assert done["status"]["counts"]["unresolved"] == 4
    batch(*common, "--name", "alone", "--id", "nano-seen-2")
    many, alone = batch.run("many"), batch.run("alone")
    assert all(len(ids) == 8 for ids in said(many, "nano-seen-1", 0))
    assert said(many, "nano-seen-2", 0) == said(alone, "nano-seen-2", 0)
    assert said(many, "nano-seen-2", 0) != said(many, "nano-seen-2", 1)


def test_a_bad_checkpoint_leaves_no_run(batch: Batch) -> None:
    suite, _ = write_suite(batch.folder, range(1, 2))
    (batch.folder / "empty").mkdir()
    _, stderr = batch("run", suite, "--model", "empty", "--name", "run", *QUICK, code=None)
    assert "error: " in stderr
    assert json.loads(batch("ls", "--json")[0]) == []
    assert not (batch.folder / "runs" / "run").exists()
