"""How well nano predicts executions of held-out programs, free and within the program."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from cwm_agent.debug.core.debugger import Debugger
from cwm_agent.debug.evaluate.figures import Item, Measured, exact, measure, whole
from cwm_agent.debug.legal.program import Program
from cwm_agent.debug.predict.engine import EnginePredictor, load_predictor
from cwm_agent.nano.programs import record_program
from envs.progress import Say

FRAME_TOKENS = 256
"""A recorded frame of these programs has at most 160 characters."""


@dataclass(frozen=True, slots=True)
class TraceBench:
    """What to measure: `programs` generated ones, half of them from held-out templates."""

    programs: int = 300
    seed: int = 1
    model: Path | None = None


@dataclass(frozen=True, slots=True)
class TraceFigures:
    """All that was measured; `recomputed` tokens after going back and branching."""

    measured: Measured
    recomputed: int

    def to_json(self) -> dict[str, Any]:
        """The figures under the names by which they are compared."""
        free, legal = self.measured.free, self.measured.legal
        sampled_free = sum(one.sampled for one in free.judged)
        sampled_legal = sum(one.sampled for one in legal.judged)
        covered = self.measured.legal_steps / max(1, self.measured.real_steps)
        return {
            "frames": len(free.judged),
            "frames_exact_free": _share(exact(free.judged)),
            "frames_exact_legal": _share(exact(legal.judged)),
            "programs_whole_free": _share(whole(free.alone)),
            "programs_whole_legal": _share(whole(legal.alone)),
            "illegal_steps_free": sum(one.illegal for one in free.alone),
            "illegal_steps_legal": sum(one.illegal for one in legal.alone),
            "sampled_tokens_ratio": round(sampled_legal / max(1, sampled_free), 4),
            "legal_set_covers_share": round(covered, 6),
            "recomputed_on_back": self.recomputed,
        }


def _share(found: Any) -> dict[str, object]:
    both = asdict(found)
    return {
        "value": both["value"],
        "count": both["count"],
        "n": both["n"],
        "interval": [both["low"], both["high"]],
    }


def measure_trace(bench: TraceBench, progress: Say) -> TraceFigures:
    """Greedy predictions of all programs; raises ModelError."""
    predictor = load_predictor(bench.model, frame_tokens=FRAME_TOKENS)
    try:
        measured = measure(predictor, _items(bench, predictor.comprehensions), progress)
        recomputed = sum(
            _recomputed(predictor, item.program) for item in measured.items[:RECOMPUTED_OF]
        )
    finally:
        predictor.close()
    return TraceFigures(measured, recomputed)


RECOMPUTED_OF = 20
"""So many programs are stepped back and forth."""


def _items(bench: TraceBench, comprehensions: bool) -> Iterator[Item]:
    for number in range(bench.programs):
        drawn = record_program(f"trace/{bench.seed}/{number}", held_out=number % 2 == 0)
        program = Program.read(drawn.source, comprehensions=comprehensions)
        yield Item(str(number), program, drawn.frames)


def _recomputed(predictor: EnginePredictor, program: Program) -> int:
    """Prompt tokens computed again for steps back, a changed variable, and a branch."""
    with Debugger(predictor, program) as debugger:
        for _ in range(5):
            debugger.step()
        debugger.back()
        debugger.back()
        debugger.step()
        debugger.resample()
        scope = debugger.here.scope
        for name in list(scope.locals)[:1] if scope else []:
            debugger.set_variable(name, "1")
        debugger.step()
        return debugger.cost.recomputed


def trace_lines(figures: TraceFigures) -> list[str]:
    """A table for people."""
    measured = figures.measured
    free, legal = measured.free, measured.legal
    found = figures.to_json()
    return [
        f"{len(measured.items)} programs, {found['frames']} frames (the end of each is one)",
        "                 free                          within the program",
        f"frames exact     {exact(free.judged)}  {exact(legal.judged)}",
        f"programs whole   {whole(free.alone)}  {whole(legal.alone)}",
        f"illegal steps    {found['illegal_steps_free']:<28}  {found['illegal_steps_legal']}",
        f"sampled tokens   {found['sampled_tokens_ratio']:.3f} of those sampled freely",
        f"real steps that count as legal  {found['legal_set_covers_share']:.4%}",
        f"tokens recomputed after going back  {found['recomputed_on_back']}",
    ]
