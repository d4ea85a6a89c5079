"""A model of debugger actions that says what really happens."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from cwm_agent.debug.actions.cursor import frame_of, state_of
from cwm_agent.debug.actions.parse import StateParser
from cwm_agent.debug.actions.trajectory import follow
from cwm_agent.debug.actions.tree import StateTree
from cwm_agent.debug.frames.state import Moment
from cwm_agent.debug.legal.program import Program
from cwm_agent.debug.predict.predictor import Cost, Prediction, PredictionRequest
from cwm_agent.debug.record.here import record_here
from cwm_agent.debug.record.recording import Recording, request_of
from cwm_agent.policies import bundled
from model.text.actions import STEP_INTO, Action, ActionFormat, State
from model.text.tokenizer import Tokenizer
from model.text.traces import Frame


@cache
def tokenizer() -> Tokenizer:
    """That of the bundled model that knows actions."""
    return Tokenizer.from_folder(bundled.debugger_folder())


@dataclass
class TrueCursor:
    """Remembers the actions so far; each answer goes through the tokens of the grammar."""

    tree: StateTree
    taken: tuple[Action, ...] | None = None

    def predict(self, moment: Moment, request: PredictionRequest) -> Prediction:
        self.taken = () if self.taken is None else (*self.taken, request.action)
        told = follow(self.tree, 0, self.taken).steps[-1]
        form = ActionFormat(tokenizer())
        read = StateParser(tokenizer(), form).read(form.state(told))
        assert read.problems == ()
        if isinstance(read.step, State):
            return Prediction(frame_of(read.step, moment))
        return Prediction(None, ended=True, exit=read.step)

    def place(self, frame: Frame, action: Action = STEP_INTO) -> None:
        """After a what-if it goes on as if nothing had been changed."""
        assert state_of(frame).kind == frame.event
        self.taken = () if self.taken is None else (*self.taken, action)

    def fork(self) -> TrueCursor:
        return TrueCursor(self.tree, self.taken)

    @property
    def cost(self) -> Cost:
        return Cost()

    def close(self) -> None:
        pass


@dataclass(frozen=True)
class TruePredictor:
    tree: StateTree
    name: str = "truth"
    comprehensions: bool = True
    greedy: bool = True
    jumps: bool = True

    def open(self, program: Program) -> TrueCursor:
        del program
        return TrueCursor(self.tree)

    def close(self) -> None:
        pass


def true_jumps(
    source: str, entry: str | None = None, arguments: str = ""
) -> tuple[TruePredictor, Program, Recording]:
    """A model that knows where every action leads in one program."""
    program = Program.read(source, entry=entry).unmarked()
    recording = record_here(request_of(program, arguments, most=5000))
    tree = StateTree.of(recording.frames, "error" if recording.raised else "normal")
    return TruePredictor(tree), program, recording
