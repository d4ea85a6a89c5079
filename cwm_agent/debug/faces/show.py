"""Moments and predictions as text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from cwm_agent.debug.core.debugger import Debugger
from cwm_agent.debug.core.inverse import Proposal
from cwm_agent.debug.core.jumps import ending
from cwm_agent.debug.core.stops import Stop
from cwm_agent.debug.core.tree import Node
from cwm_agent.debug.frames.confidence import Confidence
from cwm_agent.debug.frames.state import Moment, Scope
from cwm_agent.debug.predict.predictor import Prediction
from cwm_agent.view.sanitize import clean, clean_line

DOUBT = 0.5
"""A probability below this, or a removed mass above it, is shown as doubtful."""
_ARROWS = {"call": "--Call--", "return": "--Return--", "exception": "--Exception--"}


def moment_lines(moment: Moment, confidence: Confidence | None = None) -> list[str]:
    """Where it is, in the manner of pdb."""
    if moment.ended:
        return ["[the program has ended]"]
    frame, scope = moment.frame, moment.scope
    if frame is None or scope is None:
        return ["[before the first step]"]
    lines = []
    if frame.event in _ARROWS:
        value = f" {frame.value}" if frame.event in ("return", "exception") else ""
        lines.append(clean_line(f"{_ARROWS[frame.event]}{value}"))
    where = f"({scope.line or '?'}){scope.function}()"
    lines.append(clean_line(f"> {where}{doubt(confidence)}{'' if moment.allowed else ILLEGAL}"))
    lines.append(clean_line(f"-> {frame.line.strip()}"))
    return lines


ILLEGAL = "  [illegal: the program cannot go there]"


def doubt(confidence: Confidence | None) -> str:
    """What makes a step doubtful, in brackets; empty where nothing does."""
    if confidence is None:
        return ""
    notes = []
    if confidence.least < DOUBT:
        notes.append(f"p={confidence.least:.2f}")
    if confidence.removed > DOUBT:
        notes.append(f"wanted an illegal step, p={confidence.removed:.2f}")
    return f"  [{', '.join(notes)}]" if notes else ""


def variable_lines(scope: Scope, confidence: Confidence | None = None) -> list[str]:
    """The variables of a function; `*` marks those that the last step changed."""
    lines = []
    for name, value in scope.locals.items():
        mark = "*" if name in scope.changed else " "
        sure = (confidence.variables if confidence else {}).get(name, 1.0)
        note = f"  [p={sure:.2f}]" if sure < DOUBT else ""
        if name in scope.unknown:
            value = "(never shown)"
        lines.append(clean_line(f"{mark} {name} = {value}{note}"))
    return lines or ["  (no variables)"]


def stack_lines(moment: Moment) -> list[str]:
    """The call stack, the running function last, as pdb's `where`."""
    lines = []
    for place, scope in enumerate(moment.scopes):
        mark = ">" if place == len(moment.scopes) - 1 else " "
        lines.append(clean_line(f"{mark} ({scope.line or '?'}){scope.function}()"))
        lines.append(clean_line(f"  -> {scope.text.strip()}"))
    return lines


def source_lines(
    debugger: Debugger, first: int, last: int, breakpoints: set[int] | None = None
) -> Iterator[str]:
    """Numbered source lines; `->` the current one, `B` a breakpoint."""
    for number in range(max(1, first), min(last, len(debugger.program.lines)) + 1):
        here = "->" if number == debugger.here.line else "  "
        stop = "B" if number in (breakpoints or set()) else " "
        yield clean_line(f"{number:4} {stop}{here} {debugger.program.text(number)}")


def stop_lines(debugger: Debugger, stop: Stop) -> list[str]:
    """What a command led to."""
    lines = []
    if stop.breakpoint is not None:
        lines.append(f"[breakpoint {stop.breakpoint.number}]")
    if stop.jump:
        lines.append(clean_line(f"[{stop.jump}]"))
    if stop.said:
        lines.append(clean(f"[{stop.reason}: {stop.said}]"))
    if stop.reason in ("problem", "start", "end"):
        return lines
    prediction = debugger.node.prediction
    return [*lines, *moment_lines(stop.moment, prediction.confidence if prediction else None)]


def node_json(node: Node) -> dict[str, Any]:
    """One step for other programs."""
    moment, said = node.moment, node.prediction
    if moment.ended or moment.frame is None:
        return {"event": "end"}
    scope = moment.scope
    assert scope is not None
    found: dict[str, Any] = {
        "event": moment.frame.event,
        "function": scope.function,
        "line": scope.line,
        "source": moment.frame.line,
        "depth": moment.depth,
        "legal": moment.allowed,
    }
    if moment.frame.event in ("call", "line"):
        found["locals"] = dict(scope.locals)
        found["changed"] = sorted(scope.changed)
    else:
        found["value"] = moment.frame.value
    if said is not None:
        sure = said.confidence
        found["probability"] = round(sure.least, 4)
        found["removed"] = round(sure.removed, 4)
        found["tokens"] = {
            "decided": said.decided,
            "sampled": said.sampled,
            "given": said.forced,
        }
        found["variables"] = {name: round(p, 4) for name, p in sure.variables.items()}
    return found


def moment_line(moment: Moment, sure: Confidence | None = None) -> str:
    """One step in one line: place, what changed, doubt."""
    if moment.ended or moment.frame is None:
        return "[the program has ended]"
    frame, scope = moment.frame, moment.scope
    assert scope is not None
    if frame.event in ("call", "line"):
        shown = ", ".join(f"{name}={scope.locals[name]}" for name in sorted(scope.changed))
    else:
        shown = f"{frame.event} {frame.value}"
    mark = "" if moment.allowed else "  [illegal]"
    indent = "  " * (moment.depth - 1)
    where = f"{scope.line or '?':>4} {indent}{frame.line.strip()}"
    return clean_line(f"{where:60} {shown}{doubt(sure)}{mark}".rstrip())


def node_line(node: Node) -> str:
    """The same with how sure its prediction was."""
    if node.moment.ended:
        return f"[{ending(node.prediction)}]"
    return moment_line(node.moment, node.prediction.confidence if node.prediction else None)


def brief(one: Prediction) -> str:
    """A prediction in one line."""
    if one.frame is None:
        return ending(one) if one.ended else f"no step: {one.problem}"
    shown = dict(one.frame.locals) or one.frame.value
    return f"{one.frame.event} {one.frame.line.strip()}  {shown}{doubt(one.confidence)}"


def proposal_line(one: Proposal) -> str:
    """A proposed call, and whether it is true."""
    mark = f"true  (step {one.step + 1})" if one.step is not None else "false"
    why = f"  {one.why}" if one.why else ""
    return f"{mark:15} {one.call}{why}"
