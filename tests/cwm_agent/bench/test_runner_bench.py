"""The runner's own cost and its memory: a small measurement of what `bench batch` measures."""

from __future__ import annotations

from cwm_agent.bench.runner_overhead import RunnerBench, measure_runner, runner_lines


def test_the_runner_costs_little_and_keeps_nothing() -> None:
    figures = measure_runner(RunnerBench(100, 20, 8), lambda _line: None)
    assert figures.cpu_ms < 5  # the disk's part depends on the machine
    assert len(figures.rss) == 10
    assert figures.rss[-1] - figures.rss[2] < 8
    assert "growth" in runner_lines(figures)[-1]
