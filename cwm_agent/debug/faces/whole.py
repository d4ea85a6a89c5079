"""A whole execution at once, predicted or recorded, for `cwm-agent trace`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from cwm_agent.debug.core.verify import call_arguments, real_moments, verify
from cwm_agent.debug.faces.opening import Opening, opened
from cwm_agent.debug.faces.show import moment_line, node_json, node_line
from cwm_agent.debug.legal.program import Program
from cwm_agent.debug.record.recording import request_of
from cwm_agent.debug.record.sandboxed import SandboxRecorder
from cwm_agent.view.sanitize import clean_line


@dataclass(frozen=True, slots=True)
class Whole:
    """The same for programs and for people; `good`: it came to its end, and is true if asked."""

    data: dict[str, Any]
    lines: list[str]
    good: bool


def predict_whole(opening: Opening, steps: int, *, verified: bool) -> Whole:
    """Predict to the end, or `steps` steps."""
    with opened(opening) as (debugger, recorder):
        stop = debugger.start()
        while stop.reason == "step" and debugger.here.index + 1 < steps:
            stop = debugger.step()
        path = debugger.node.path()
        lines = [node_line(node) for node in path]
        if opening.legal and opening.certain == "branches":
            lines.insert(0, "[branches that can be computed are, instead of predicted]")
        if stop.reason != "end":
            lines.append(f"[no end: {stop.said or f'{steps} steps'}]")
        data: dict[str, Any] = {
            "model": debugger.predictor.name,
            "certain": opening.certain if opening.legal else None,
            "steps": [node_json(node) for node in path],
            "ended": stop.reason == "end",
            "problem": stop.said if stop.reason == "problem" else None,
        }
        good = stop.reason == "end"
        if verified and path:
            checked = verify(debugger.program, path, recorder)
            parted = checked.divergence
            data["verified"] = {
                "true": parted.step is None,
                "first_false_step": None if parted.step is None else parted.step + 1,
                "differences": [str(one) for one in parted.differences],
            }
            lines += [clean_line(line) for line in str(checked).split("\n")]
            good = good and parted.step is None
    return Whole(data, lines, good)


def record_whole(opening: Opening, steps: int) -> Whole:
    """Run it in a sandbox."""
    program = Program.read(opening.text(), entry=opening.entry)
    arguments = call_arguments(program, opening.values())
    with SandboxRecorder() as recorder:
        recording = recorder(request_of(program, arguments, most=steps))
    moments = real_moments(program, recording)
    data = {
        "steps": [
            {
                "event": frame.event,
                "line": line,
                "source": frame.line,
                "locals": dict(frame.locals),
                "value": frame.value,
            }
            for frame, line in zip(recording.frames, recording.lines, strict=True)
        ],
        "ended": not recording.cut,
    }
    lines = [moment_line(moment) for moment in moments]
    if recording.cut:
        lines.append(f"[it goes on after {len(recording.frames)} steps]")
    return Whole(data, lines, not recording.cut)
