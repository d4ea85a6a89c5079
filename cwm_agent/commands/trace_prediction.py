"""`cwm-agent run trace-prediction`: how well executions of a suite's programs are predicted."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Any

from cwm_agent.debug.evaluate import actions
from cwm_agent.debug.evaluate.figures import (
    Item,
    Measured,
    Side,
    by_action,
    by_cell,
    by_horizon,
    exact,
    measure,
    outputs,
    whole,
)
from cwm_agent.debug.evaluate.suite import cruxeval_rows, read_rows, record_items
from cwm_agent.debug.legal.program import Program
from cwm_agent.debug.predict.engine import load_predictor
from cwm_agent.debug.record.sandboxed import SandboxRecorder
from cwm_agent.errors import UsageError
from cwm_agent.nano.programs import record_program
from cwm_agent.tasks.datasets import default_pins
from cwm_agent.tasks.filters import read_slice
from results.reports.metrics import Share

BUILTIN_PROGRAMS = 100
_LOCALS, _VALUE = ("event", "line", "locals", "state"), ("event", "line", "value", "state")
_PARTS = {
    "call": _LOCALS,
    "line": _LOCALS,
    "return": _VALUE,
    "exception": _VALUE,
    "end": ("event", "state"),
    "all": ("event", "action", "state"),
}
"""What a frame of an event has; `action`: event and line, `state`: everything."""


def predict_suite(suite: str, model: Path | None, *, part: str = "", as_json: bool) -> int:
    """Measure `builtin` (generated programs), `cruxeval`, or a file of rows; always 0.

    `part` is a slice of the programs, such as 0:20. Raises UsageError for a file
    that is none and for programs of which none can be run, NotReadyError, ModelError,
    SandboxError.
    """

    def progress(line: str) -> None:
        print(line, file=sys.stderr)

    chosen = read_slice(part) if part else slice(None)
    rows: Sequence[dict[str, Any]] = ()
    if suite != "builtin":  # a slip is told before weights are loaded
        found = cruxeval_rows(default_pins()) if suite == "cruxeval" else read_rows(Path(suite))
        rows = found[chosen]
    with closing(load_predictor(model)) as predictor, SandboxRecorder() as recorder:
        shown = predictor.comprehensions
        items: Iterable[Item] = (
            _builtin(range(BUILTIN_PROGRAMS)[chosen], comprehensions=shown)
            if suite == "builtin"
            else record_items(rows, recorder, comprehensions=shown, progress=progress)
        )
        measured = measure(predictor, items, progress)
        asked = actions.ask_all(predictor, measured.items, 0, recorder)
    if not measured.items:
        raise UsageError(f"none of the programs of {suite} could be run; see above for each")
    if as_json:
        jumps = {"actions": actions.to_json(asked)} if asked else {}
        print(json.dumps(_to_json(measured) | jumps, indent=2))
    else:
        jumped = ["", *actions.lines(asked)] if asked else []
        print("\n".join([*report(measured), *jumped]))
    return 0


def _builtin(numbers: Iterable[int], *, comprehensions: bool) -> Iterator[Item]:
    for number in numbers:
        drawn = record_program(f"trace-prediction/{number}", held_out=number % 2 == 0)
        program = Program.read(drawn.source, comprehensions=comprehensions)
        yield Item(str(number), program, drawn.frames, raised=drawn.raised)


def _to_json(found: Measured) -> dict[str, object]:
    sides = {}
    for name, side in (("free", found.free), ("legal", found.legal)):
        sides[name] = {
            "by_action": actions.shares(by_action(side.judged)),
            "by_horizon": actions.shares(by_horizon(side.alone, found.items)),
            "by_horizon_and_action": actions.shares(by_cell(side.alone)),
            "whole": asdict(whole(side.alone)),
            "outputs": asdict(outputs(side.alone, found.items)),
            "illegal_steps": sum(one.illegal for one in side.alone),
            "sampled_tokens": sum(one.sampled for one in side.judged),
            "first_divergence": [one.divergence for one in side.alone],
        }
    return {
        "programs": [item.name for item in found.items],
        "frames": len(found.free.judged),
        **sides,
    }


def report(found: Measured) -> list[str]:
    """Both ways of decoding side by side, with intervals at 95 %."""
    sides: tuple[Side, Side] = (found.free, found.legal)
    lines = [
        f"{len(found.items)} programs, {len(found.free.judged)} steps (the end of each is one)",
        f"{'':26}{'free':30}within the program",
        _row("whole programs", *(whole(side.alone) for side in sides)),
        _row("outputs", *(outputs(side.alone, found.items) for side in sides)),
        _row("steps to the letter", *(exact(side.judged) for side in sides)),
        f"{'illegal steps':26}" + "".join(f"{sum(a.illegal for a in s.alone):<30}" for s in sides),
        f"{'sampled tokens':26}"
        + "".join(f"{sum(j.sampled for j in s.judged):<30}" for s in sides),
        "",
        "After the true steps before it:",
    ]
    free, legal = (by_action(side.judged) for side in sides)
    for event, row in free.items():
        parts = (*_PARTS[event], "exact")
        lines += [_row(f"{event} {part}", row[part], legal[event][part]) for part in parts]
    lines += ["", "Alone, all right up to a step:"]
    curves = [by_horizon(side.alone, found.items) for side in sides]
    lines += [_row(f"step {n}", one, curves[1][n]) for n, one in curves[0].items()]
    lines += ["", "Alone, by step and event:"]
    cells = [by_cell(side.alone) for side in sides]
    for horizon, events in cells[0].items():
        for event, row in events.items():
            both = (row, cells[1][horizon][event])
            for part in _PARTS[event]:
                lines.append(_row(f"from {horizon} {event} {part}", *(one[part] for one in both)))
    return [line.rstrip() for line in lines]


def _row(name: str, free: Share, legal: Share) -> str:
    return f"{name:26}{str(free).strip():30}{str(legal).strip()}"
