"""A checkpoint in the embedded engine as a predictor."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from cwm_agent.debug.frames.parse import FrameParser
from cwm_agent.debug.frames.state import Moment
from cwm_agent.debug.legal.program import Program
from cwm_agent.debug.predict.decode import predict_free, predict_legal
from cwm_agent.debug.predict.predictor import Cost, Prediction, PredictionRequest
from cwm_agent.debug.predict.voice import Voice
from cwm_agent.policies import bundled
from model.text.actions import STEP_INTO, Action
from model.text.traces import Frame, TraceFormat

if TYPE_CHECKING:
    from model.engine.engine import Engine
    from model.engine.session import Session
    from model.step.sampler import Sampling
    from model.text.tokenizer import Tokenizer

FRAME_TOKENS = 2048
"""No frame has more; the limit of CWM's own debugger."""
TOP_P = 0.95
"""Of sampled frames, as published for answers."""


class EnginePredictor:
    """A running engine as a predictor of CWM's traces; its cursors share weights, and the keys
    and values of a prefix.

    `temperature` 0 takes the likeliest token. CWM's training traces have a newline
    after a source line and show comprehensions; those of the bundled models do not.
    """

    jumps = False

    def __init__(
        self,
        folder: Path,
        engine: Engine,
        tokenizer: Tokenizer,
        vocabulary: int,
        *,
        temperature: float = 0.0,
        frame_tokens: int = FRAME_TOKENS,
    ) -> None:
        """`folder` is the checkpoint that the engine runs."""
        from model.step.sampler import Sampling

        self.comprehensions = not bundled.is_bundled(folder)
        self.name = folder.resolve().name
        self.greedy = temperature == 0
        self.engine = engine
        form = TraceFormat(tokenizer, newline=self.comprehensions)
        sampling = Sampling(temperature, TOP_P if temperature else 1.0, seed=0)
        self.voice = Voice(
            tokenizer, form, FrameParser(tokenizer, form), sampling, frame_tokens, vocabulary
        )

    def open(self, program: Program) -> EngineCursor:
        """Before the first frame; raises ContextOverflowError for too long a source."""
        from model.engine.session import Session

        session = Session(self.engine)
        session.append(self.voice.form.prompt(program.source))
        return EngineCursor(self.voice, session)

    def close(self) -> None:
        """Stop the engine."""
        self.engine.close()


def load_predictor(
    folder: Path | None = None,
    *,
    temperature: float = 0.0,
    frame_tokens: int = FRAME_TOKENS,
) -> EnginePredictor:
    """A checkpoint folder (None: the bundled model) in an engine of its own, which `close` ends.

    Raises a ModelError.
    """
    from model.checkpoint.open import open_checkpoint
    from model.engine.build import build_engine

    folder = folder or bundled.debugger_folder()
    files = open_checkpoint(folder)
    engine = build_engine(files.config, files.source)
    engine.start()
    return EnginePredictor(
        folder,
        engine,
        files.tokenizer,
        files.config.vocabulary,
        temperature=temperature,
        frame_tokens=frame_tokens,
    )


class EngineCursor:
    """A session of the engine that rests between two frames."""

    def __init__(self, voice: Voice, session: Session) -> None:
        self._voice = voice
        self._session = session

    def predict(self, moment: Moment, request: PredictionRequest) -> Prediction:
        """See `Cursor`; raises ContextOverflowError and what else ends an answer."""
        length = len(self._session.ids)
        voice = replace(self._voice, sampling=sampling_for(self._voice.sampling, request))
        predict = predict_legal if request.legal else predict_free
        try:
            prediction = predict(voice, self._session, moment, request)
        except BaseException:
            self._session.rollback(length)
            raise
        if prediction.problem:
            self._session.rollback(length)
        return prediction

    def place(self, frame: Frame, action: Action = STEP_INTO) -> None:
        """Append it; its traces have no actions."""
        del action
        self._session.append(self._voice.form.frame(frame))

    def fork(self) -> EngineCursor:
        """A session that shares all pages with this one."""
        return EngineCursor(self._voice, self._session.fork()[0])

    @property
    def cost(self) -> Cost:
        """By the engine's counters."""
        return cost_of(self._session)

    def close(self) -> None:
        """Free keys and values."""
        self._session.close()


def sampling_for(own: Sampling, request: PredictionRequest) -> Sampling:
    """How one request is sampled."""
    if request.temperature is not None:
        top_p = own.top_p if request.temperature else 1.0
        own = replace(own, temperature=request.temperature, top_p=top_p)
    return replace(own, seed=own.seed + request.draw)


def cost_of(session: Session) -> Cost:
    """What a session has cost, by the engine's counters."""
    counters = session.counters
    return Cost(counters.prefilled, counters.recomputed, counters.decoded)
