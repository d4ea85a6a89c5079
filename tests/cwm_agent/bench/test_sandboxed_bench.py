"""A turn in a real sandbox, divided: `bench batch --sandbox`."""

from __future__ import annotations

import pytest

from cwm_agent.bench.runner_overhead import RunnerBench
from cwm_agent.bench.turn_cost import measure_sandboxed, sandboxed_lines
from cwm_agent.errors import UsageError


@pytest.mark.parametrize("kind", ["bubblewrap", pytest.param("docker", marks=pytest.mark.docker)])
def test_the_parts_of_a_turn_are_all_of_its_time(kind: str) -> None:
    figures = measure_sandboxed(RunnerBench(1, 3, 1), kind, lambda _line: None)
    parts = (figures.own_ms, figures.command_ms, figures.snapshot_ms)
    assert min(*parts, figures.own_cpu_ms, figures.life_ms) > 0
    whole = sum(parts) * figures.turns + figures.life_ms
    assert whole == pytest.approx(figures.seconds * 1000, abs=10)
    assert kind in sandboxed_lines(figures)[0]


def test_overlapping_attempts_are_not_divided() -> None:
    with pytest.raises(UsageError, match="leave --workers out"):
        measure_sandboxed(RunnerBench(2, 3, 2), "bubblewrap", lambda _line: None)
