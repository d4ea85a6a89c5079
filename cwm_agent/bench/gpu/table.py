"""The figures of a report as a table, beside what is wanted."""

from __future__ import annotations

from typing import Any

from cwm_agent.bench.gpu.report import GOALS, Goal


def met(goal: Goal, value: float | bool) -> bool:
    """Whether a figure is as good as wanted."""
    return value <= goal.wanted if goal.at_most else value >= goal.wanted


def table(report: dict[str, Any]) -> str:
    """The headline figures of a report's JSON, one line each, in Markdown."""
    lines = ["| | measured | wanted | |", "|---|---|---|---|"]
    for goal in GOALS:
        value, wanted = report[goal.name], _shown(goal.wanted, goal)
        sign = "at most" if goal.at_most else "at least"
        if goal.wanted == 1.0 and not goal.at_most:
            sign, wanted = "", "yes"
        verdict = "open" if value is None else "met" if met(goal, value) else "NOT MET"
        if value is None:
            shown = f"not measured: {report['reasons'][goal.name]}"
        else:
            shown = _shown(value, goal)
        lines.append(f"| {goal.says} | {shown} | {sign} {wanted} | {verdict} |")
    return "\n".join(lines)


def _shown(value: float | bool, goal: Goal) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    match goal.unit:
        case "%":
            return f"{value:.1%}"
        case "x":
            return f"{value:.2f}x"
        case unit:
            return f"{value:.2f} {unit}"
