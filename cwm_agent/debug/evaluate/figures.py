"""Figures over many programs, free and legal side by side."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from cwm_agent.debug.evaluate.judge import Alone, Judged, judge_steps, run_alone
from cwm_agent.debug.frames.compare import COMPONENTS, Component
from cwm_agent.debug.frames.state import Moment
from cwm_agent.debug.legal.program import Program
from cwm_agent.debug.predict.predictor import Predictor
from envs.progress import Say
from model.text.traces import Frame
from results.reports.metrics import Share, share

HORIZONS = (1, 2, 4, 8, 16, 32, 64, 128)


@dataclass(frozen=True, slots=True)
class Item:
    """A program with its real frames. `cut`: they end before the program does."""

    name: str
    program: Program
    frames: tuple[Frame, ...]
    cut: bool = False


@dataclass(slots=True)
class Side:
    """What came of one way of decoding."""

    judged: list[Judged] = field(default_factory=list)
    alone: list[Alone] = field(default_factory=list)


@dataclass(slots=True)
class Measured:
    """Both ways on the same items, which may grow."""

    items: list[Item] = field(default_factory=list)
    free: Side = field(default_factory=Side)
    legal: Side = field(default_factory=Side)
    legal_steps: int = 0
    real_steps: int = 0

    def __str__(self) -> str:
        """The weightiest figures in one line."""
        free, legal = self.free, self.legal
        return (
            f"{len(free.judged)} frames, exact {exact(free.judged)} free, {exact(legal.judged)} "
            f"legal; whole {whole(free.alone)} free, {whole(legal.alone)} legal; illegal steps "
            f"{sum(a.illegal for a in free.alone)} free, {sum(a.illegal for a in legal.alone)} "
            f"legal; sampled {sum(j.sampled for j in legal.judged)} of "
            f"{sum(j.sampled for j in free.judged)} tokens"
        )

    def add(self, one: One) -> None:
        """Count one more program."""
        self.items.append(one.item)
        self.free.judged += one.free[0]
        self.free.alone.append(one.free[1])
        self.legal.judged += one.legal[0]
        self.legal.alone.append(one.legal[1])
        covered, steps = coverage(one.item)
        self.legal_steps += covered
        self.real_steps += steps


@dataclass(frozen=True, slots=True)
class One:
    """One program predicted in both ways: after the true frames, and alone."""

    item: Item
    free: tuple[list[Judged], Alone]
    legal: tuple[list[Judged], Alone]

    @classmethod
    def of(cls, predictor: Predictor, item: Item) -> One:
        """Predict it."""
        return cls(item, _side(predictor, item, legal=False), _side(predictor, item, legal=True))


def _side(predictor: Predictor, item: Item, *, legal: bool) -> tuple[list[Judged], Alone]:
    program, frames = item.program, item.frames
    judged = judge_steps(predictor, program, frames, legal=legal)
    known = 0
    if predictor.greedy:  # alone it says the same, as long as it was right
        wrong = (place for place, one in enumerate(judged) if not one.exact)
        known = min(next(wrong, len(frames)), len(frames))
    return judged, run_alone(predictor, program, frames, legal=legal, known=known)


def measure(
    predictor: Predictor, items: Iterable[Item], progress: Say, *, workers: int = 8
) -> Measured:
    """Predict all items in both ways, `workers` at a time: the engine runs them in one batch."""
    found = Measured()
    with ThreadPoolExecutor(workers) as pool:
        for number, one in enumerate(pool.map(lambda item: One.of(predictor, item), items), 1):
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
