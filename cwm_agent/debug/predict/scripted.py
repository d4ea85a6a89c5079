"""A predictor that says what was recorded or written down before."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from cwm_agent.debug.frames.parse import Codec, FrameParser
from cwm_agent.debug.frames.state import Moment
from cwm_agent.debug.legal.program import Program
from cwm_agent.debug.predict.predictor import Cost, Prediction, PredictionRequest
from model.text.actions import STEP_INTO, Action
from model.text.traces import Frame, TraceFormat

Answers = Callable[[Moment], Sequence[int]]
"""Token ids of the frame after a moment, as a model would say them."""


@dataclass(frozen=True, slots=True)
class ScriptedCursor:
    """Reads each answer as if a model had given it; it holds nothing, so forks are itself."""

    parser: FrameParser
    answers: Answers

    def predict(self, moment: Moment, request: PredictionRequest) -> Prediction:
        """The frame after `moment`."""
        del request  # what was written down does not depend on it
        read = self.parser.read(list(self.answers(moment)))
        if read.ended:
            return Prediction(None, ended=True)
        if read.frame is None:
            return Prediction(None, problem="; ".join(read.problems))
        return Prediction(read.frame, warnings=read.problems)

    def place(self, frame: Frame, action: Action = STEP_INTO) -> None:
        """Nothing to do: answers depend on the moment only."""

    def fork(self) -> ScriptedCursor:
        """Itself."""
        return self

    @property
    def cost(self) -> Cost:
        """Nothing is computed."""
        return Cost()

    def close(self) -> None:
        """Nothing is held."""


@dataclass(frozen=True, slots=True)
class ScriptedPredictor:
    """Says the same for every program; see `recorded` for real traces."""

    codec: Codec
    form: TraceFormat
    answers: Answers
    comprehensions: bool = True
    name: str = "recording"
    greedy: bool = True
    jumps: bool = False

    def open(self, program: Program) -> ScriptedCursor:
        """Before the first frame."""
        del program
        return ScriptedCursor(FrameParser(self.codec, self.form), self.answers)

    def close(self) -> None:
        """Nothing is held."""


def recorded(form: TraceFormat, frames: Sequence[Frame]) -> Answers:
    """Answers that repeat a real trace: the frame after the n-th is the one after the n-th."""

    def answer(moment: Moment) -> Sequence[int]:
        following = moment.index + 1
        return form.frame(frames[following]) if following < len(frames) else [form.end_id]

    return answer
