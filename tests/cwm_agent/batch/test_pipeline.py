"""From a fresh folder to figures, with a model that thinks for itself: the bundled one."""

from __future__ import annotations

import json

import pytest
import yaml
from helpers import Batch

LOCAL = ("--sandbox", "bubblewrap")
SAMPLES = 2


@pytest.fixture
def finished(batch: Batch) -> Batch:
    """A run of the bundled model, killed in the middle and gone on with."""
    suite = batch.folder / "suite.yaml"
    suite.write_text(yaml.safe_dump([{"nano": "seen/1"}]))
    command = ("run", suite, "--samples", SAMPLES, "--name", "first", "--workers", 2, *LOCAL)
    varied = (*command, "--set", "sampling.temperature=0.8")
    process = batch.start(*varied, "--json")
    batch.wait_for_turns("first", 3, process)
    process.kill()
    process.communicate()
    _, done = batch.json(*varied)
    assert sum(done["status"]["counts"].values()) == SAMPLES
    return batch


def test_a_killed_run_of_the_bundled_model_can_be_looked_at_replayed_and_exported(
    finished: Batch,
) -> None:
    results = finished.results("first")
    assert len(results) == SAMPLES
    assert all(result.resolved is not None for result in results)
    which = [("--instance", r.instance, "--sample", str(r.sample)) for r in results]
    listed, exported, *looked = finished.in_turn(
        [
            ("ls", "--json"),
            ("export", "first", "--sample", 1),
            *(("view", "first", "--plain", *one) for one in which),
            # Exit code 0: nothing differs.
            *(("replay", "first", "--verify", *one) for one in which),
        ]
    )
    for done in (listed, exported, *looked):
        assert done.returncode == 0, done
    assert {row["instance"] for row in json.loads(listed.stdout)} == {"nano-seen-1"}
    assert all("<tool: " in shown.stdout for shown in looked[:SAMPLES])
    path = finished.folder / exported.stdout.strip()
    predictions = [json.loads(line) for line in path.read_text().splitlines()]
    assert [row["instance_id"] for row in predictions] == ["nano-seen-1"]
    assert finished.left() == []
