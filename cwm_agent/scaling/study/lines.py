"""A study for people, in a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cwm_agent.scaling.study.curves import Point
from cwm_agent.scaling.study.gap import Gap
from cwm_agent.scaling.study.study import Study
from cwm_agent.wording import counted

WIDTH = 40


def study_lines(found: Study) -> list[str]:
    """The figures of each recipe, then ties and calibration."""
    n = found.issues
    lines = [
        f"{counted(n, 'issue')}, {found.marginal} of them marginal, k = {found.k}; "
        f"single {found.single:.1%}, pass@{found.k} {found.pass_k:.1%}",
        "",
        f"{'recipe':<20} {'best':>7} {'95 %':>16} {'gap closed':>11} {'95 %':>18}",
    ]
    best = max((s.gap.selected for s in found.recipes.values()), default=1.0) or 1.0
    for name, scored in found.recipes.items():
        kept = scored.gap
        bar = "█" * round(12 * kept.selected / best)
        lines.append(
            f"{name:<20} {kept.selected:>7.1%} {_range(kept.selected_low, kept.selected_high):>16} "
            f"{_share(kept.closed):>11} {_range(kept.low, kept.high):>18}  {bar}"
        )
    lines += ["", f"ties between unequal clusters: {found.ties_share:.1%} of issues"]
    if found.ece is not None:
        lines.append(f"calibration error (ECE) {found.ece:.3f}; said → was (choices):")
        lines += [f"  {part.said:5.2f} → {part.was:5.2f} ({part.count})" for part in found.curve]
    return lines


def curve_lines(curves: Mapping[str, Sequence[Point]], oracle: Mapping[int, float]) -> list[str]:
    """best@k of each recipe, and what k samples cost."""
    points = next(iter(curves.values()))
    low = min(point.gap.selected for found in curves.values() for point in found)
    high = max([*oracle.values(), low + 1e-9])
    lines = [f"{'best@k':<20} " + " ".join(f"{point.k:>7}" for point in points)]
    for name, found in curves.items():
        row = " ".join(f"{point.gap.selected:>7.1%}" for point in found)
        lines.append(f"{name:<20} {row}  {_spark([p.gap.selected for p in found], low, high)}")
    row = " ".join(f"{oracle[point.k]:>7.1%}" if point.k in oracle else " " * 7 for point in points)
    lines.append(f"{'oracle':<20} {row}")
    lines.append(f"{'tokens an issue':<20} " + " ".join(f"{p.tokens:>7.0f}" for p in points))
    lines.append(f"{'seconds of tests':<20} " + " ".join(f"{p.seconds:>7.1f}" for p in points))
    return lines


def _spark(values: Sequence[float], low: float, high: float) -> str:
    marks = "▁▂▃▄▅▆▇█"
    return "".join(marks[min(7, int(8 * (value - low) / (high - low)))] for value in values)


def _share(value: Gap | float | None) -> str:
    return "-" if not isinstance(value, float) else f"{value:.1%}"


def _range(low: float | None, high: float | None) -> str:
    return "" if low is None or high is None else f"[{low:.1%}, {high:.1%}]"
