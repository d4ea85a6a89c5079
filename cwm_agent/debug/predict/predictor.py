"""What the debugger asks of whoever predicts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Protocol

from cwm_agent.debug.certain.contents import Level
from cwm_agent.debug.frames.confidence import Confidence
from cwm_agent.debug.frames.state import Moment
from cwm_agent.debug.legal.program import Program
from model.text.actions import STEP_INTO, Action, Exit
from model.text.traces import Event, Frame


@dataclass(frozen=True, slots=True)
class PredictionRequest:
    """How the next frame is to be predicted.

    `event` forces its kind: a return straight after a call predicts the call's
    result without its inner frames. `legal` keeps to what the program allows, and
    `certain` tells what is then given instead of predicted. `temperature` None is
    that of the predictor; `draw` numbers repeated samples. `action` is for predictors
    that jump; the others know the next frame only.
    """

    event: Event | None = None
    legal: bool = True
    temperature: float | None = None
    draw: int = 0
    certain: Level = "moves"
    action: Action = STEP_INTO


@dataclass(frozen=True, slots=True)
class Prediction:
    """One answer: a frame, or the end of the trace, or a `problem` instead of both.

    `sampled` tokens were drawn, `forced` ones given; `decided` are those sampled
    ones beside which others could stand. `logprob` is the sum over the sampled
    ones. `warnings` are faults of form that could be mended. `exit` is how the program
    ends, where that was predicted.
    """

    frame: Frame | None
    ended: bool = False
    problem: str = ""
    warnings: tuple[str, ...] = ()
    confidence: Confidence = field(default_factory=Confidence)
    sampled: int = 0
    forced: int = 0
    logprob: float = 0.0
    decided: int = 0
    exit: Exit | None = None


@dataclass(frozen=True, slots=True)
class Cost:
    """What a cursor's own session has cost. Tokens: `recomputed` ones it had computed before."""

    prefilled: int = 0
    recomputed: int = 0
    decoded: int = 0


def total_cost(costs: Iterable[Cost]) -> Cost:
    """All of them together."""
    found = list(costs)
    return Cost(
        sum(one.prefilled for one in found),
        sum(one.recomputed for one in found),
        sum(one.decoded for one in found),
    )


class Cursor(Protocol):
    """A prediction under way, at the border between two frames."""

    def predict(self, moment: Moment, request: PredictionRequest) -> Prediction:
        """The frame after `moment`, and go behind it; with a problem it stays where it is."""

    def place(self, frame: Frame, action: Action = STEP_INTO) -> None:
        """Go behind a frame that is given, not predicted, in the place of what `action` gave."""

    def fork(self) -> Cursor:
        """Another one at the same place, that goes its own way."""

    @property
    def cost(self) -> Cost:
        """So far."""

    def close(self) -> None:
        """Give up what it holds."""


class Predictor(Protocol):
    """Predicts executions of programs."""

    @property
    def name(self) -> str:
        """For people."""

    @property
    def comprehensions(self) -> bool:
        """Whether its traces show frames of comprehensions and lambdas."""

    @property
    def jumps(self) -> bool:
        """Whether one prediction can be an action that leads over many steps."""

    @property
    def greedy(self) -> bool:
        """Whether it says the same every time."""

    def open(self, program: Program) -> Cursor:
        """Before the first frame of a program."""

    def close(self) -> None:
        """Give up everything."""
