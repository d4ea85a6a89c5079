"""A checkpoint that speaks the grammar of debugger actions, as a predictor."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from cwm_agent.debug.actions.decode import Told, tell_free, tell_legal
from cwm_agent.debug.actions.inverse import ResultAsker
from cwm_agent.debug.actions.parse import StateParser
from cwm_agent.debug.frames.landing import values_before
from cwm_agent.debug.frames.state import Moment
from cwm_agent.debug.legal.program import Program
from cwm_agent.debug.predict.decode import Writer
from cwm_agent.debug.predict.engine import (
    EnginePredictor,
    cost_of,
    load_predictor,
    sampling_for,
)
from cwm_agent.debug.predict.predictor import Cost, Prediction, PredictionRequest
from cwm_agent.debug.predict.voice import Voice
from cwm_agent.errors import UsageError
from model.text.actions import STEP_INTO, TOKENS, Action, ActionFormat, Kind, State
from model.text.traces import UNCHANGED, Frame

if TYPE_CHECKING:
    from model.engine.session import Session
    from model.text.tokenizer import Tokenizer


class ActionPredictor:
    """An engine whose model was trained on debugger actions: one action is one prediction,
    however many steps it leads over. Its programs have no mark at the entry."""

    jumps = True

    def __init__(self, base: EnginePredictor) -> None:
        """Raises UsageError for a model without the control tokens of actions."""
        self.name = base.name
        self.comprehensions = base.comprehensions
        self.greedy = base.greedy
        self._base = base
        self._form = action_form(base.voice.tokenizer, base.name)
        self._inverse = action_form(base.voice.tokenizer, base.name, inverse=True)

    def open(self, program: Program) -> ActionCursor:
        """Before the first state; raises ContextOverflowError for too long a source."""
        from model.engine.session import Session

        session = Session(self._base.engine)
        session.append(self._form.prompt(program.source))
        return ActionCursor(self._base.voice, self._form, session)

    def asker(self, program: Program, value: str) -> ResultAsker:
        """Proposes calls of the entry that give a written result."""
        from model.engine.session import Session

        session = Session(self._base.engine)
        return ResultAsker(self._base.voice, self._inverse, session, program, value)

    def close(self) -> None:
        """Stop the engine."""
        self._base.close()


def load_jumping(folder: Path | None = None, *, temperature: float = 0.0) -> ActionPredictor:
    """As `load_predictor`; raises UsageError for a model without actions, where its folder is
    given before its weights are loaded."""
    if folder is not None:
        from model.checkpoint.open import open_checkpoint

        action_form(open_checkpoint(folder).tokenizer, folder.resolve().name)
    base = load_predictor(folder, temperature=temperature)
    try:
        return ActionPredictor(base)
    except UsageError:
        base.close()
        raise


def action_form(tokenizer: Tokenizer, name: str, *, inverse: bool = False) -> ActionFormat:
    """The grammar as ids of a model's tokenizer; raises UsageError where it lacks them."""
    missing = [token for token in TOKENS if tokenizer.find_special(token) is None]
    if missing:
        raise UsageError(
            f"the model {name} cannot jump: its tokenizer lacks {len(missing)} of the control "
            f"tokens of debugger actions ({missing[0]}, ...); turn jumps off, or name a checkpoint "
            "that was trained on debugger actions (docs/debugging.md, Jumps)"
        )
    return ActionFormat(tokenizer, inverse=inverse)


class ActionCursor:
    """A session of the engine that rests behind the action separator of a state."""

    def __init__(self, voice: Voice, form: ActionFormat, session: Session) -> None:
        self._voice = voice
        self._form = form
        self._parser = StateParser(voice.tokenizer, form)
        self._session = session

    def predict(self, moment: Moment, request: PredictionRequest) -> Prediction:
        """What `request.action` leads to; raises ContextOverflowError and what else ends one."""
        length = len(self._session.ids)
        voice = replace(self._voice, sampling=sampling_for(self._voice.sampling, request))
        action = None if moment.frame is None else request.action
        writer = Writer(voice, self._session)
        try:
            self._session.append(self._lead(action))
            if request.legal or action is None:
                told = tell_legal(writer, self._form, self._parser, moment, action)
            else:
                told = tell_free(writer, self._form, self._parser)
        except BaseException:
            self._session.rollback(length)
            raise
        if told.step is None:
            self._session.rollback(length)
        return _prediction(told, moment, writer)

    def _lead(self, action: Action | None) -> list[int]:
        """What stands between the last state's separator and the next state."""
        begun = [] if action is None else self._form.action(action)[1:]
        return [*begun, self._form.frame_sep_id]

    def place(self, frame: Frame, action: Action = STEP_INTO) -> None:
        """Append a state that is given; after another one `action` leads to it."""
        begun = self._session.ids[-1] == self._form.action_sep_id
        lead = self._form.action(action)[1:] if begun else []
        state = self._form.state(state_of(frame))
        self._session.append([*lead, *state, self._form.action_sep_id])

    def fork(self) -> ActionCursor:
        """A session that shares all pages with this one."""
        return ActionCursor(self._voice, self._form, self._session.fork()[0])

    @property
    def cost(self) -> Cost:
        """By the engine's counters."""
        return cost_of(self._session)

    def close(self) -> None:
        """Free keys and values."""
        self._session.close()


def state_of(frame: Frame) -> State:
    """A frame as a state that leaves unchanged variables out."""
    shown = tuple(pair for pair in frame.locals if pair[1] != UNCHANGED)
    kind: Kind = frame.event
    return State(kind, frame.line, shown, frame.value, omitted=len(shown) < len(frame.locals))


def frame_of(state: State, moment: Moment) -> Frame:
    """A state that comes after `moment` as a frame, unchanged variables by name."""
    plain = state.frame({})
    return state.frame(values_before(moment, plain.event, plain.line))


def _prediction(told: Told, moment: Moment, writer: Writer) -> Prediction:
    step = told.step
    return Prediction(
        frame_of(step, moment) if isinstance(step, State) else None,
        ended=isinstance(step, str),
        exit=step if isinstance(step, str) else None,
        problem=told.problem,
        warnings=told.warnings,
        confidence=told.confidence,
        sampled=writer.sampled,
        forced=writer.forced,
        logprob=writer.logprob,
        decided=writer.decided,
    )
