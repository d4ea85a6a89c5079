"""Figures over many programs, free and legal side by side."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Literal, get_args

from cwm_agent.debug.evaluate.judge import Alone, Judged, judge_steps, run_alone
from cwm_agent.debug.frames.compare import COMPONENTS, Component
from cwm_agent.debug.frames.state import Moment
from cwm_agent.debug.legal.program import Program
from cwm_agent.debug.predict.predictor import PredictionRequest, Predictor
from envs.progress import Say
from model.text.traces import Frame
from results.reports.metrics import Share, share

HORIZONS = (1, 2, 4, 8, 16, 32, 64, 128)


@dataclass(frozen=True, slots=True)
class Item:
    """A program with its real frames. `cut`: they end before the program does; `raised`: it
    ends by an exception."""

    name: str
    program: Program
    frames: tuple[Frame, ...]
    cut: bool = False
    raised: bool = False


@dataclass(slots=True)
class Side:
    """What came of one way of decoding."""

    judged: list[Judged] = field(default_factory=list)
    alone: list[Alone] = field(default_factory=list)


Way = Literal["free", "none", "moves", "branches"]
"""Of decoding: the model alone, or within the program with what is certain (see `Level`)."""
WAYS: tuple[Way, ...] = get_args(Way)
DEFAULT: Way = "moves"
"""How the commands decode where nobody says otherwise."""


def request_for(way: Way) -> PredictionRequest:
    """What is asked of a predictor."""
    if way == "free":
        return PredictionRequest(legal=False)
    return PredictionRequest(certain=way)


@dataclass(slots=True)
class Measured:
    """Some ways on the same items, which may grow."""

    items: list[Item] = field(default_factory=list)
    sides: dict[Way, Side] = field(default_factory=lambda: defaultdict(Side))
    legal_steps: int = 0
    real_steps: int = 0

    @property
    def free(self) -> Side:
        """The model alone."""
        return self.sides["free"]

    @property
    def legal(self) -> Side:
        """As the commands decode."""
        return self.sides[DEFAULT]

    def __str__(self) -> str:
        """The weightiest figures in one line."""
        return "; ".join(
            f"{way}: frames {exact(side.judged)}, whole {whole(side.alone)}, "
            f"{sum(one.illegal for one in side.alone)} illegal steps, "
            f"{sum(one.sampled for one in side.judged)} sampled tokens"
            for way, side in self.sides.items()
        )

    def add(self, one: One) -> None:
        """Count one more program."""
        self.items.append(one.item)
        for way, (judged, alone) in one.sides.items():
            self.sides[way].judged += judged
            self.sides[way].alone.append(alone)
        covered, steps = coverage(one.item)
        self.legal_steps += covered
        self.real_steps += steps


@dataclass(frozen=True, slots=True)
class One:
    """One program predicted in some ways: after the true frames, and alone."""

    item: Item
    sides: dict[Way, tuple[list[Judged], Alone]]

    @classmethod
    def of(cls, predictor: Predictor, item: Item, ways: Sequence[Way]) -> One:
        """Predict it."""
        return cls(item, {way: _side(predictor, item, request_for(way)) for way in ways})


def _side(
    predictor: Predictor, item: Item, request: PredictionRequest
) -> tuple[list[Judged], Alone]:
    program, frames = item.program, item.frames
    judged = judge_steps(predictor, program, frames, request)
    known = 0
    if predictor.greedy:  # alone it says the same, as long as it was right
        wrong = (place for place, one in enumerate(judged) if not one.exact)
        known = min(next(wrong, len(frames)), len(frames))
    return judged, run_alone(predictor, program, frames, request, known=known)


def measure(
    predictor: Predictor,
    items: Iterable[Item],
    progress: Say,
    *,
    ways: Sequence[Way] = ("free", DEFAULT),
    workers: int = 8,
) -> Measured:
    """Predict all items in some ways, `workers` at a time: the engine runs them in one batch."""
    found = Measured()
    with ThreadPoolExecutor(workers) as pool:
        for number, one in enumerate(
            pool.map(lambda item: One.of(predictor, item, ways), items), 1
        ):
            found.add(one)
            if number % 20 == 0:
                progress(f"{number} programs: {found}")
    return found


def coverage(item: Item) -> tuple[int, int]:
    """How many of the real frames are legal steps, of how many."""
    here, legal = Moment.start(item.program), 0
    for frame in item.frames:
        here = here.after(frame)
        legal += here.allowed
    legal += not item.cut and here.legal.may_end
    return legal, len(item.frames) + (not item.cut)


def exact(judged: Sequence[Judged]) -> Share:
    """Frames predicted to the letter."""
    return share(sum(one.exact for one in judged), len(judged))


def whole(alone: Sequence[Alone]) -> Share:
    """Programs of which every frame and the end are predicted to the letter."""
    return share(sum(one.whole for one in alone), len(alone))


def outputs(alone: Sequence[Alone], items: Sequence[Item]) -> Share:
    """Programs whose result is predicted; those that raise or were cut are left out."""
    pairs = [
        (one.output, item.frames[-1].value)
        for one, item in zip(alone, items, strict=True)
        if _returns(item)
    ]
    return share(sum(mine == true for mine, true in pairs), len(pairs))


def _returns(item: Item) -> bool:
    if item.cut or len(item.frames) < 2:
        return False
    return item.frames[-1].event == "return" and item.frames[-2].event != "exception"


def by_action(judged: Sequence[Judged]) -> dict[str, dict[str, Share]]:
    """Event -> component -> share of frames in which it is right; `state`, all of them."""
    groups: dict[str, list[Judged]] = defaultdict(list)
    for one in judged:
        groups[one.event].append(one)
        groups["all"].append(one)
    table = {}
    for event, members in sorted(groups.items()):
        row = _components([one.wrong for one in members])
        row["exact"] = exact(members)
        table[event] = row
    return table


def by_cell(alone: Sequence[Alone]) -> dict[int, dict[str, dict[str, Share]]]:
    """Horizon -> event -> component -> share of steps, predicted alone, in which it is right.

    A horizon is the first step of a range that ends before the next one. A step
    is compared with the true one at its place, so after a missing step all are wrong.
    """
    groups: dict[int, dict[str, list[frozenset[Component]]]] = defaultdict(
        lambda: defaultdict(list)
    )
    for one in alone:
        for step, (event, wrong) in enumerate(one.trail, 1):
            horizon = max(h for h in HORIZONS if h <= step)
            groups[horizon][event].append(wrong)
            groups[horizon]["all"].append(wrong)
    return {
        horizon: {event: _components(wrongs) for event, wrongs in sorted(row.items())}
        for horizon, row in sorted(groups.items())
    }


def _components(wrongs: Sequence[frozenset[Component]]) -> dict[str, Share]:
    """Component -> share in which it is right; `action`: event and line; `state`: everything.

    With another event, or beyond the end, nothing of a frame is right.
    """
    count = len(wrongs)
    row: dict[str, Share] = {
        component: share(sum(not wrong & {component, "event", "end"} for wrong in wrongs), count)
        for component in COMPONENTS
    }
    row["action"] = share(sum(not wrong & {"event", "line", "end"} for wrong in wrongs), count)
    row["state"] = share(sum(not wrong for wrong in wrongs), count)
    return row


def by_horizon(alone: Sequence[Alone], items: Sequence[Item]) -> dict[int, Share]:
    """Steps -> share of the programs that have so many of which all these are right."""
    found = {}
    for steps in HORIZONS:
        long = [
            one for one, item in zip(alone, items, strict=True) if len(item.frames) + 1 >= steps
        ]
        if long:
            right = sum(one.divergence is None or one.divergence >= steps for one in long)
            found[steps] = share(right, len(long))
    return found
