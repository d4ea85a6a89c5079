"""How well nano predicts executions of held-out programs, free and within the program."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from cwm_agent.debug.core.debugger import Debugger
from cwm_agent.debug.evaluate.actions import Asked, ask_all, to_json
from cwm_agent.debug.evaluate.actions import lines as lines_of
from cwm_agent.debug.evaluate.figures import (
    WAYS,
    Item,
    Measured,
    Side,
    Way,
    exact,
    measure,
    whole,
)
from cwm_agent.debug.legal.program import Program
from cwm_agent.debug.predict.engine import EnginePredictor, load_predictor
from cwm_agent.debug.record.here import record_here
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
    """All that was measured; `recomputed` tokens after going back and branching.

    `asked` are debugger actions, where the model knows them.
    """

    measured: Measured
    recomputed: int
    asked: tuple[Asked, ...]

    def to_json(self) -> dict[str, Any]:
        """The figures under the names by which they are compared.

        What is called legal is the default level, which computes nothing of the
        program; `levels` has all of them.
        """
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
            "programs_whole_branches": _share(whole(self.measured.sides["branches"].alone)),
            "levels": {way: _level(side) for way, side in self.measured.sides.items()},
            "actions": to_json(self.asked),
        }


def _level(side: Side) -> dict[str, object]:
    """Of its tokens `decided_share` were chosen by the model among several that could stand."""
    written = sum(one.sampled + one.forced for one in side.judged)
    decided = sum(one.decided for one in side.judged)
    return {
        "frames_exact": _share(exact(side.judged)),
        "programs_whole": _share(whole(side.alone)),
        "illegal_steps": sum(one.illegal for one in side.alone),
        "sampled_tokens": sum(one.sampled for one in side.judged),
        "decided_tokens": decided,
        "decided_share": round(decided / max(1, written), 4),
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
    with closing(predictor):
        items = _items(bench, predictor.comprehensions)
        measured = measure(predictor, items, progress, ways=WAYS)
        recomputed = sum(
            _recomputed(predictor, item.program) for item in measured.items[:RECOMPUTED_OF]
        )
        asked = ask_all(predictor, measured.items, bench.seed, record_here)
    return TraceFigures(measured, recomputed, tuple(asked))


def measure_free(bench: TraceBench, progress: Say) -> Side:
    """What the model alone predicts of all programs; raises ModelError."""
    predictor = load_predictor(bench.model, frame_tokens=FRAME_TOKENS)
    with closing(predictor):
        items = _items(bench, predictor.comprehensions)
        return measure(predictor, items, progress, ways=("free",)).free


RECOMPUTED_OF = 20
"""So many programs are stepped back and forth."""


def _items(bench: TraceBench, comprehensions: bool) -> Iterator[Item]:
    for number in range(bench.programs):
        drawn = record_program(f"trace/{bench.seed}/{number}", held_out=number % 2 == 0)
        program = Program.read(drawn.source, comprehensions=comprehensions)
        yield Item(str(number), program, drawn.frames, raised=drawn.raised)


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


_TITLES: dict[Way, str] = {
    "free": "the model alone",
    "none": "legal steps, nothing given",
    "moves": "moved values given (default)",
    "branches": "and computed branches",
}


def trace_lines(figures: TraceFigures) -> list[str]:
    """A table for people."""
    measured, found = figures.measured, figures.to_json()
    lines = [
        f"{len(measured.items)} programs, {found['frames']} frames (the end of each is one)",
        f"{'':30}{'frames exact':32}{'programs whole':32}illegal  sampled  decided",
    ]
    for way, side in measured.sides.items():
        row = found["levels"][way]
        lines.append(
            f"{_TITLES[way]:30}{str(exact(side.judged)).strip():32}"
            f"{str(whole(side.alone)).strip():32}{row['illegal_steps']:7}"
            f"{row['sampled_tokens']:9}{row['decided_share']:9.1%}"
        )
    return [
        *lines,
        "decided: the share of tokens that the model chose; what is given is no prediction",
        f"real steps that count as legal  {found['legal_set_covers_share']:.4%}",
        f"tokens recomputed after going back  {found['recomputed_on_back']}",
        *(["", *lines_of(figures.asked)] if figures.asked else []),
    ]
