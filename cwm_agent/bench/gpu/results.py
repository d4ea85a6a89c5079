"""What a part told, put into the report."""

from __future__ import annotations

from typing import Any

from cwm_agent.bench.gpu.process import Ended
from cwm_agent.bench.gpu.report import Report
from cwm_agent.bench.gpu.task import Part
from cwm_agent.bench.gpu.tune.rows import best_of


def note(report: Report, part: Part, ended: Ended, again: Ended | None) -> None:
    """Enter a part; `again` is its second try, of which only the outcome counts.

    Figures that came before a failure stay.
    """
    report.part(part.name, ended.outcome, ended.seconds)
    if again is None:
        _enter(report, ended.events)
    if ended.good:
        report.failures.pop(part.name, None)
        return
    report.failures[part.name] = _failure(ended) | {"run": report.number}
    if again is not None:
        report.failures[part.name]["launches_waited_for"] = _failure(again)
    for name in part.figures:
        report.miss(name, f"failed: {ended.outcome}: {ended.error}")


def _failure(ended: Ended) -> dict[str, Any]:
    return {
        "outcome": ended.outcome,
        "kernel": ended.kernel,
        "shape": ended.shape,
        "error": ended.error,
        "seconds": ended.seconds,
        "log": ended.log.splitlines(),
    }


def _enter(report: Report, events: tuple[dict[str, Any], ...]) -> None:
    cases = [event for event in events if event["kind"] == "case"]
    for name in {case["kernel"] for case in cases}:
        own = [case for case in cases if case["kernel"] == name]
        report.kernels[name] = {
            "run": report.number,
            "cases": {
                case["shape"]: {k: case[k] for k in ("right", "says", "seconds")} for case in own
            },
        }
    if tried := [event for event in events if event["kind"] == "tried"]:
        report.tuning[tried[0]["kernel"]] = best_of(tried) | {"run": report.number}
    for event in events:
        match event["kind"]:
            case "figure":
                report.add(event["name"], event["value"], event["details"])
            case "miss":
                report.miss(event["name"], event["reason"])
            case "test":
                report.tests[event["name"]] = event["outcome"]
            case "ceilings":
                copied, multiplied = event["ceilings"]
                report.run["copy_bytes_per_second"] = copied
                report.run["matmul_flops_per_second"] = multiplied
