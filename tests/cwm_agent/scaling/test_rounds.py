"""Samples are drawn while an issue is undecided; a stopped run goes on to the same end."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

from cwm_agent.scaling.budget import Rule
from cwm_agent.scaling.rounds import BUDGET_FILE, Budget, in_rounds
from cwm_agent.scaling.simulator import World, simulate
from cwm_agent.scaling.study.adaptive import replay
from cwm_agent.scaling.study.curves import fewer
from cwm_agent.scaling.table import Table
from envs.progress import quiet
from results.files import read_record

RULE = Rule(enough=0.8, most=6)
CASES = simulate(World(), issues=12, samples=6, seed=3)
TABLES = {table.instance: table for table, _ in CASES}


class Stopped(Exception):
    """What a kill leaves: nothing after it happens."""


class Samples:
    """Saved samples that are drawn as they are wanted; after `steps` steps it stops."""

    def __init__(self, steps: int = 1_000) -> None:
        self.steps = steps
        self.drawn: Mapping[str, int] = {}

    def _step(self) -> None:
        self.steps -= 1
        if self.steps < 0:
            raise Stopped

    def sample(self, budget: Budget) -> bool:
        self._step()
        self.drawn = dict(budget.samples)
        return True

    def look(self, instances: Sequence[str]) -> list[Table]:
        self._step()
        return [fewer(TABLES[name], range(self.drawn[name])) for name in instances]


def spend(folder: Path, samples: Samples) -> Budget:
    return in_rounds(folder, sorted(TABLES), RULE, samples.sample, samples.look, quiet)


def test_it_spends_what_a_replay_of_all_samples_says(tmp_path: Path) -> None:
    budget = spend(tmp_path, Samples())
    assert sum(budget.samples.values()) == replay(CASES, RULE).samples
    assert RULE.fewest == min(budget.samples.values()) < max(budget.samples.values()) == RULE.most


@pytest.mark.parametrize("steps", [1, 2, 5])
def test_stopped_anywhere_it_spends_the_same(tmp_path: Path, steps: int) -> None:
    with pytest.raises(Stopped):
        spend(tmp_path, Samples(steps))
    (tmp_path / "whole").mkdir()
    assert spend(tmp_path, Samples()) == spend(tmp_path / "whole", Samples())


def test_it_ends_where_samples_are_missing(tmp_path: Path) -> None:
    def look(instances: Sequence[str]) -> list[Table]:
        raise AssertionError(instances)

    refuse: Callable[[Budget], bool] = lambda _: False  # noqa: E731
    budget = in_rounds(tmp_path, ["a", "b"], RULE, refuse, look, quiet)
    assert budget.samples == {"a": 2, "b": 2}
    assert read_record(Budget, tmp_path / BUDGET_FILE) == budget


def test_an_issue_without_evidence_keeps_its_samples(tmp_path: Path) -> None:
    """It cannot be judged, so no more is spent on it; the others are not held up."""
    samples = Samples()
    names = [*sorted(TABLES), "no sandbox"]

    def look(instances: Sequence[str]) -> list[Table]:
        return samples.look([name for name in instances if name in TABLES])

    budget = in_rounds(tmp_path, names, RULE, samples.sample, look, quiet)
    assert budget.samples["no sandbox"] == RULE.fewest
    assert max(budget.samples.values()) == RULE.most
