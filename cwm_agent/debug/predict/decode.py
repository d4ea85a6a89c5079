"""Decoding of one frame: free, or so that it cannot leave the program.

In legal decoding the model chooses the event among those that may come, writes
those locals and values that are not certain, and chooses the line among those
that may come. Text that is certain is appended, not sampled. Where the lines of the program
part, the model is asked although only legal ones are obeyed: the mass that the
mask takes away there tells that it has lost the thread.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch

from cwm_agent.debug.certain.outlook import NOTHING, Content, agreement, outlook
from cwm_agent.debug.frames.confidence import Confidence, Piece, least, of_variables
from cwm_agent.debug.frames.parse import read_locals
from cwm_agent.debug.frames.state import Moment
from cwm_agent.debug.legal.machine import Move
from cwm_agent.debug.predict.filled import write_locals, write_value
from cwm_agent.debug.predict.predictor import Prediction, PredictionRequest
from cwm_agent.debug.predict.trie import Choices
from cwm_agent.debug.predict.voice import Voice
from cwm_agent.debug.predict.watchers import UntilJson, UntilToken
from model.engine.generation import Request
from model.text.traces import Frame

if TYPE_CHECKING:
    from model.engine.generation import Generation, TokenMask, Watcher
    from model.engine.session import Session

SEEN = 24
"""Of so many likeliest tokens the probability is known where a mask chooses."""


@dataclass(slots=True)
class Writer:
    """Says one frame into a session, and books what was sampled."""

    voice: Voice
    session: Session
    ids: list[int] = field(default_factory=list)
    sampled: int = 0
    forced: int = 0
    decided: int = 0
    logprob: float = 0.0
    removed: float = 0.0

    def force(self, ids: Sequence[int]) -> None:
        """Say what is certain."""
        self.session.append(list(ids))
        self.ids += ids
        self.forced += len(ids)

    def choose(self, allowed: Collection[int]) -> Piece:
        """Sample one token of `allowed`, and book what the mask took away."""
        mask = torch.zeros(self.voice.vocabulary, dtype=torch.bool)
        mask[list(allowed)] = True
        request = Request(1, self.voice.sampling, mask=lambda _: mask, logprobs=SEEN)
        done = self._run(request, UntilToken(()))
        self.decided += len(allowed) > 1
        assert done.logprobs is not None
        known = dict(done.logprobs[0].top)
        own = done.logprobs[0].logprob
        assert own is not None
        known[done.ids[0]] = own
        kept = sum(math.exp(p) for token, p in known.items() if token in allowed)
        self.removed = max(self.removed, 1.0 - min(1.0, kept))
        return Piece(self.voice.tokenizer.decode(done.ids), own)

    @property
    def last(self) -> int:
        """The last token said."""
        return self.ids[-1]

    def write(self, watcher: Watcher, mask: TokenMask | None) -> list[Piece]:
        """Sample until the watcher ends it, or the frame is as long as it may be."""
        most = max(1, self.voice.frame_tokens - len(self.ids))
        done = self._run(Request(most, self.voice.sampling, mask=mask, logprobs=0), watcher)
        self.decided += len(done.ids)
        assert done.logprobs is not None
        return [
            Piece(self.voice.tokenizer.decode([token]), p.logprob)
            for token, p in zip(done.ids, done.logprobs, strict=True)
        ]

    def _run(self, request: Request, watcher: Watcher) -> Generation:
        done = self.session.generate(request, watcher).result()
        self.ids += done.ids
        self.sampled += len(done.ids)
        self.logprob += sum(p.logprob or 0.0 for p in done.logprobs or ())
        return done


def predict_legal(
    voice: Voice, session: Session, moment: Moment, request: PredictionRequest
) -> Prediction:
    """The next frame, one that may follow `moment`; a problem where none can be had."""
    leaping = leaps(moment, request)
    moves = (
        dict.fromkeys(moment.legal.leaps(), NOTHING)
        if leaping
        else outlook(moment, request.certain)
    )
    form, writer = voice.form, Writer(voice, session)
    events = {form.event_ids[move.event]: move.event for move in moves}
    if request.event is not None:
        if request.event not in events.values():
            return Prediction(None, problem=f"no {request.event} can follow here in this program")
        writer.force([form.event_ids[request.event]])
        sure = 1.0
    else:
        allowed = {*events, *([form.end_id] if moment.legal.may_end else ())}
        if not allowed:
            return Prediction(None, problem="nothing can follow here in this program")
        sure = least([writer.choose(allowed)])
    if writer.last == form.end_id:
        return _booked(writer, None, Confidence(event=sure, removed=writer.removed), ended=True)
    event = events[writer.last]
    contents = {move: content for move, content in moves.items() if move.event == event}
    if event in ("call", "line"):
        return _with_locals(writer, sure, contents, moment)
    return _with_value(writer, sure, contents, moment)


def leaps(moment: Moment, request: PredictionRequest) -> bool:
    """Whether a call's result is wanted without the frames inside of it."""
    before = moment.frame
    return request.event == "return" and before is not None and before.event == "call"


def _with_locals(
    writer: Writer, sure: float, contents: dict[Move, Content], moment: Moment
) -> Prediction:
    form = writer.voice.form
    agreed = agreement(contents.values())
    variables: dict[str, float] | None
    if agreed.names is None:
        pieces = say_json(writer)
        variables = None if pieces is None else of_variables(pieces)
    else:
        variables = write_locals(writer, agreed.names, agreed.values)
    if variables is None:
        return _unfinished(writer, "locals")
    written, _ = read_locals(writer.voice.tokenizer.decode(writer.ids[1:]))
    writer.force([form.action_sep_id])
    fitting = [move for move, content in contents.items() if content.fits(dict(written))]
    line = _say_line(writer, fitting or list(contents), form.frame_sep_id, moment)
    read = writer.voice.parser.read(writer.ids)
    confidence = Confidence(sure, line, 1.0, variables, writer.removed)
    return _booked(writer, read.frame, confidence, warnings=read.problems)


def _with_value(
    writer: Writer, sure: float, contents: dict[Move, Content], moment: Moment
) -> Prediction:
    form, program = writer.voice.form, moment.program
    writer.force([form.action_sep_id])
    before = len(writer.ids)
    line = _say_line(writer, list(contents), form.arg_sep_id, moment)
    said = writer.ids[before:-1]
    agreed = agreement(c for m, c in contents.items() if form.line(program.text(m.line)) == said)
    value = 1.0
    if agreed.value is not None:
        write_value(writer, agreed.value)
    else:
        pieces = say_json(writer)
        if pieces is None:
            return _unfinished(writer, "value")
        value = least(pieces)
    writer.force([form.frame_sep_id])
    read = writer.voice.parser.read(writer.ids)
    confidence = Confidence(sure, line, value, {}, writer.removed)
    return _booked(writer, read.frame, confidence, warnings=read.problems)


def _say_line(writer: Writer, moves: list[Move], end: int, moment: Moment) -> float:
    """The line of one of some moves; how sure its choice was."""
    form, program = writer.voice.form, moment.program
    mine = [[*form.line(program.text(move.line)), end] for move in moves]
    others = [[*form.line(line), end] for line in program.lines if line.strip()]
    return say_choice(writer, Choices.of(mine, others))


def say_choice(writer: Writer, choices: Choices) -> float:
    """Say one of the legal sequences; the least probability of a choice."""
    said: list[int] = []
    waiting: list[int] = []
    asked: list[Piece] = []
    while allowed := choices.after(said):
        if len(allowed) == 1 and not choices.parts(said):
            waiting += allowed
            said += allowed
            continue
        if waiting:
            writer.force(waiting)
            waiting = []
        asked.append(writer.choose(allowed))
        said.append(writer.last)
    if waiting:
        writer.force(waiting)
    return least(asked)


def say_json(writer: Writer) -> list[Piece] | None:
    """Sample one JSON value; None when it does not end."""
    voice = writer.voice
    watcher = UntilJson(lambda token: voice.tokenizer.decode([token]), ())
    ordinary = torch.ones(voice.vocabulary, dtype=torch.bool)
    ordinary[list(voice.tokenizer.specials.values())] = False
    pieces = writer.write(watcher, lambda _: ordinary)
    return pieces if watcher.complete else None


def predict_free(
    voice: Voice, session: Session, moment: Moment, request: PredictionRequest
) -> Prediction:
    """The next frame as the model alone says it."""
    form, writer = voice.form, Writer(voice, session)
    if request.event is not None:
        writer.force([form.event_ids[request.event]])
    elif moment.frame is None:
        writer.force([form.event_ids["call"]])  # what a trace begins with is no prediction
    watcher = UntilToken((form.frame_sep_id, form.end_id))
    pieces = [Piece("", None)] * len(writer.ids)
    pieces += writer.write(watcher, None)
    ids = writer.ids
    if ids[0] == form.end_id:
        return _booked(writer, None, Confidence(event=least(pieces)), ended=True)
    if ids[-1] != form.frame_sep_id:
        return _unfinished(writer, "frame")
    read = voice.parser.read(ids)
    if read.frame is None:
        return _booked(writer, None, Confidence(), problem="; ".join(read.problems))
    confidence = _confidence(voice, ids, pieces)
    return _booked(writer, read.frame, confidence, warnings=read.problems)


def _confidence(voice: Voice, ids: list[int], pieces: list[Piece]) -> Confidence:
    """By the parts between the control tokens of a frame that was read."""
    form = voice.form
    action = ids.index(form.action_sep_id)
    arg = ids.index(form.arg_sep_id) if form.arg_sep_id in ids else len(ids)
    return Confidence(
        least(pieces[:1]),
        least(pieces[action + 1 : arg + 1]),
        least(pieces[arg + 1 :]),
        of_variables(pieces[1:action]),
    )


def _unfinished(writer: Writer, what: str) -> Prediction:
    ending = writer.voice.tokenizer.decode(writer.ids[-12:], specials=True)
    problem = (
        f"the {what} had no end after {len(writer.ids)} tokens (...{ending!r}); "
        "`resample` what led here, or go another way"
    )
    return _booked(writer, None, Confidence(), problem=problem)


def _booked(
    writer: Writer,
    frame: Frame | None,
    confidence: Confidence,
    *,
    ended: bool = False,
    problem: str = "",
    warnings: tuple[str, ...] = (),
) -> Prediction:
    return Prediction(
        frame,
        ended,
        problem,
        warnings,
        confidence,
        writer.sampled,
        writer.forced,
        writer.logprob,
        writer.decided,
    )
