"""Decoding of one state after an action: free, or so that it cannot leave the program.

Within the program the model chooses among the events and lines that the action can lead to;
a breakpoint's line is given. Steps must be legal as in CWM's traces; for jumps any line of
the function (breakpoints: of the program) will do, as the way there is not known.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from cwm_agent.debug.actions.parse import StateParser
from cwm_agent.debug.frames.confidence import Confidence, least, of_variables
from cwm_agent.debug.frames.state import Moment
from cwm_agent.debug.legal.machine import Move
from cwm_agent.debug.predict.decode import Writer, say_choice, say_json
from cwm_agent.debug.predict.trie import Choices
from cwm_agent.debug.predict.watchers import UntilToken
from model.text.actions import Action, ActionFormat, Exit, State, Step
from model.text.traces import Event


@dataclass(frozen=True, slots=True)
class Told:
    """What an action led to, or the `problem` that there is nothing to read."""

    step: Step | None
    confidence: Confidence = field(default_factory=Confidence)
    problem: str = ""
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Reach:
    """Where an action can lead: events with their lines, and whether to the end."""

    moves: tuple[Move, ...]
    exits: tuple[Exit, ...]


def reach(moment: Moment, action: Action | None) -> Reach:
    """Where an action can lead from a moment; None is the beginning."""
    legal, program = moment.legal, moment.program
    ends: tuple[Exit, ...] = ("normal", "error")
    if action is None or action.verb == "step_into":
        return Reach(tuple(legal.moves(moment.bound)), ends if legal.may_end else ())
    if action.verb == "continue":
        return Reach((), (*ends, "never"))
    if action.verb == "breakpoint":
        events: tuple[Event, ...] = ("line", "call", "return", "exception")
        lines = [n for n in program.code_lines if program.text(n).rstrip() == action.line.rstrip()]
        return Reach(_all(events, lines), (*ends, "never"))
    stack = legal.first.stack
    if not stack:
        return Reach((), ends)
    flow = program.flows[stack[-1].code]
    own = flow.lines | {stack[-1].line}
    if action.verb == "step_return" and not moment.left:
        body = own - {flow.first_line} or own
        return Reach(_all(("return",), body), ())
    return Reach(_all(("line", "return", "exception"), own), ())


def _all(events: Iterable[Event], lines: Iterable[int]) -> tuple[Move, ...]:
    ordered = sorted(lines)
    return tuple(Move(event, line) for event in events for line in ordered)


def tell_free(writer: Writer, form: ActionFormat, parser: StateParser) -> Told:
    """The state as the model alone says it; the session ends behind its action separator."""
    watcher = UntilToken((form.action_sep_id, form.end_ids[-1]))
    pieces = writer.write(watcher, None)
    if writer.last not in watcher.stops:
        return _unfinished(writer)
    ids = writer.ids[:-1] if writer.last == form.action_sep_id else writer.ids
    read = parser.read(ids)
    if isinstance(read.step, State) and writer.last != form.action_sep_id:
        return Told(None, problem="the text ends after a state, without an end of the trace")
    if read.step is None:
        return Told(None, problem="; ".join(read.problems))
    start = 1 if ids[0] == form.frame_sep_id else 0
    confidence = Confidence(event=least(pieces[:1]), line=least(pieces[1 - start :]))
    return Told(read.step, confidence, warnings=read.problems)


def tell_legal(
    writer: Writer, form: ActionFormat, parser: StateParser, moment: Moment, action: Action | None
) -> Told:
    """The state as the model chooses it within the program; the session ends as when free."""
    where = reach(moment, action)
    events = {form.event_ids[move.event]: move.event for move in where.moves}
    exits = {form.exit_ids[way]: way for way in where.exits}
    if not events and not exits:
        return Told(None, problem="nothing can follow here in this program")
    sure = least([writer.choose({*events, *exits})])
    if writer.last in exits:
        writer.force(form.end_ids)
        return Told(exits[writer.ids[0]], Confidence(event=sure, removed=writer.removed))
    event = events[writer.last]
    lines = [move.line for move in where.moves if move.event == event]
    told = _say(writer, form, moment, event, lines)
    if told is None:
        return _unfinished(writer)
    line, value, variables = told
    read = parser.read(writer.ids[:-1])
    confidence = Confidence(sure, line, value, variables, writer.removed)
    if read.step is None:
        return Told(None, confidence, "; ".join(read.problems))
    return Told(read.step, confidence, warnings=read.problems)


def _say(
    writer: Writer, form: ActionFormat, moment: Moment, event: Event, lines: Sequence[int]
) -> tuple[float, float, dict[str, float]] | None:
    """Line, and locals or value, in the order of the event; None where one does not end."""
    first = event == "line"
    if first:
        writer.force([form.arg_sep_id])
    pieces = say_json(writer) if first else []
    if pieces is None:
        return None
    writer.force([form.src_sep_id])
    line = _say_line(writer, moment, lines, form.action_sep_id if first else form.arg_sep_id)
    if not first:
        pieces = say_json(writer)
        if pieces is None:
            return None
        writer.force([form.action_sep_id])
    if event in ("call", "line"):
        return line, 1.0, of_variables(pieces)
    return line, least(pieces), {}


def _say_line(writer: Writer, moment: Moment, lines: Sequence[int], end: int) -> float:
    program, encode = moment.program, writer.voice.tokenizer.encode_text
    mine = [[*encode(program.text(line)), end] for line in lines]
    others = [[*encode(text), end] for text in program.lines if text.strip()]
    return say_choice(writer, Choices.of(mine, others))


def _unfinished(writer: Writer) -> Told:
    ending = writer.voice.tokenizer.decode(writer.ids[-12:], specials=True)
    return Told(
        None,
        problem=(
            f"the state had no end after {len(writer.ids)} tokens (...{ending!r}); "
            "`resample` what led here, or go another way"
        ),
    )
