"""`cwm-agent run trace-prediction`: how well executions of a suite's programs are predicted."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import asdict
from pathlib import Path

from cwm_agent.debug.evaluate.figures import (
    Item,
    Measured,
    by_action,
    by_horizon,
    measure,
    outputs,
)
from cwm_agent.debug.evaluate.suite import cruxeval_rows, read_rows, record_items
from cwm_agent.debug.legal.program import Program
from cwm_agent.debug.predict.engine import EnginePredictor
from cwm_agent.debug.record.sandboxed import SandboxRecorder
from cwm_agent.nano.programs import record_program

BUILTIN_PROGRAMS = 100


def predict_suite(suite: str, model: Path | None, *, as_json: bool) -> int:
    """Measure `builtin` (generated programs), `cruxeval`, or a file of rows; always 0.

    Raises UsageError for a file that is none, ModelError, SandboxError.
    """

    def progress(line: str) -> None:
        print(line, file=sys.stderr)

    with closing(EnginePredictor(model)) as predictor, SandboxRecorder() as recorder:
        comprehensions = predictor.comprehensions
        if suite == "builtin":
            items: Iterable[Item] = _builtin(comprehensions)
        else:
            rows = cruxeval_rows() if suite == "cruxeval" else read_rows(Path(suite))
            items = record_items(rows, recorder, comprehensions=comprehensions, progress=progress)
        found = measure(predictor, items, progress)
    print(json.dumps(_to_json(found), indent=2) if as_json else "\n".join(_lines(found)))
    return 0


def _builtin(comprehensions: bool) -> Iterator[Item]:
    for number in range(BUILTIN_PROGRAMS):
        drawn = record_program(f"trace-prediction/{number}", held_out=number % 2 == 0)
        program = Program.read(drawn.source, comprehensions=comprehensions)
        yield Item(str(number), program, drawn.frames)


def _to_json(found: Measured) -> dict[str, object]:
    sides = {}
    for name, side in (("free", found.free), ("legal", found.legal)):
        actions = by_action(side.judged)
        sides[name] = {
            "by_action": {
                event: {part: asdict(share) for part, share in row.items()}
                for event, row in actions.items()
            },
            "by_horizon": {
                steps: asdict(share) for steps, share in by_horizon(side.alone, found.items).items()
            },
            "outputs": asdict(outputs(side.alone, found.items)),
            "illegal_steps": sum(one.illegal for one in side.alone),
            "first_divergence": [one.divergence for one in side.alone],
        }
    return {"programs": len(found.items), "frames": len(found.free.judged), **sides}


def _lines(found: Measured) -> list[str]:
    lines = [f"{len(found.items)} programs"]
    for name, side in (("free", found.free), ("legal", found.legal)):
        lines.append(f"{name}: outputs {outputs(side.alone, found.items)}")
        for event, row in by_action(side.judged).items():
            parts = "  ".join(f"{part} {share.value:6.1%}" for part, share in row.items())
            lines.append(f"  {event:10} {parts}  n={row['exact'].n}")
        curve = by_horizon(side.alone, found.items).items()
        lines.append("  right to step " + "  ".join(f"{n}: {one.value:.1%}" for n, one in curve))
    return lines
