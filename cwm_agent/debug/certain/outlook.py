"""The frames that may come next, with what is certain in each.

A value is certain when it is moved, not computed: a literal, a variable, an
argument, a result that was just returned, what a loop takes next, or a value
that nothing on the line can change. Nothing of the program is executed. One more
level computes the conditions of branches.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from cwm_agent.debug.certain.contents import Level, Present
from cwm_agent.debug.certain.history import SHARED, History
from cwm_agent.debug.certain.loops import Turn
from cwm_agent.debug.certain.statements import statements
from cwm_agent.debug.frames.state import Moment
from cwm_agent.debug.legal.legal import Legal
from cwm_agent.debug.legal.machine import Activation, Move
from cwm_agent.debug.plain.limits import UnknownError


@dataclass(frozen=True, slots=True)
class Content:
    """What is certain of one frame. `names` of the locals in their order, None if not known.

    `values`: the text of some of them as the frame has it (`..` for an unchanged
    one); `value`: that of a return or an exception.
    """

    names: tuple[str, ...] | None = None
    values: Mapping[str, str] = field(default_factory=dict)
    value: str | None = None

    def fits(self, written: Mapping[str, str]) -> bool:
        """Whether written locals are as this says."""
        same_names = self.names is None or self.names == tuple(written)
        return same_names and all(written.get(n) == text for n, text in self.values.items())


NOTHING = Content()


def agreement(contents: Iterable[Content]) -> Content:
    """What all of them say."""
    first, *others = contents
    names = first.names if all(one.names == first.names for one in others) else None
    values = {
        name: text
        for name, text in first.values.items()
        if all(one.values.get(name) == text for one in others)
    }
    value = first.value if all(one.value == first.value for one in others) else None
    return Content(names, values, value)


def outlook(moment: Moment, level: Level = "moves") -> dict[Move, Content]:
    """Every frame that may come, with what is certain in it."""
    moves = moment.legal.moves(moment.bound)
    program = statements(moment.program)
    if level == "none" or not program.trusted:
        return dict.fromkeys(moves, NOTHING)
    if moment.frame is None:
        return {move: _entered(legal) for move, legal in moves.items()}
    try:
        history = History.of(moment)
        present = Present.of(history, program, level)
    except UnknownError:
        return dict.fromkeys(moves, NOTHING)
    moves = _narrowed(present, moves)
    found = {}
    for move, legal in moves.items():
        try:
            found[move] = _content(present, move, legal)
        except UnknownError:
            found[move] = NOTHING
    return found


def _entered(legal: Legal) -> Content:
    """Of the entry's call the names are known."""
    code = legal.first.program.flows[legal.first.stack[-1].code].code
    if code.co_freevars:
        return NOTHING
    return Content(legal.first.program.parameters)


def _narrowed(present: Present, moves: dict[Move, Legal]) -> dict[Move, Legal]:
    """Only those moves that what is certain leaves; all of them if it leaves none."""
    fitting = moves
    if present.goes_in is not None:
        fitting = _of_branch(present.node, moves, goes_in=present.goes_in)
    elif present.ended is not None and present.is_its_call:
        raised = present.ended.raised
        fitting = {
            move: legal
            for move, legal in moves.items()
            if (move.event == "exception") == raised and move.event != "call"
        }
    elif present.turn is not None and present.turn.over is not None:
        fitting = _of_turn(present, present.turn)
    elif present.called is not None and present.called.certain and present.history.undisturbed:
        name = present.called.function.name
        fitting = {
            move: legal
            for move, legal in moves.items()
            if move.event == "call" and _name(legal) == name
        }
    elif present.cannot_raise:
        fitting = {move: legal for move, legal in moves.items() if move.event != "exception"}
    return fitting or moves


def _of_branch(
    node: ast.stmt | None, moves: dict[Move, Legal], *, goes_in: bool
) -> dict[Move, Legal]:
    """The moves of a branch that is known to go into its body, or past it."""
    assert isinstance(node, ast.If | ast.While)
    inside = range(node.body[0].lineno, (node.body[-1].end_lineno or 0) + 1)
    found = {}
    for move, legal in moves.items():
        enters = move.event == "line" and move.line in inside
        decided = move.event in ("line", "return") and enters == goes_in
        if decided or (move.event == "call" and _is_dropped(legal)):
            found[move] = legal
    return found


def _is_dropped(legal: Legal) -> bool:
    """Whether the call may be that of something that is given up: it is closed, or deleted."""
    code = legal.first.program.flows[legal.first.stack[-1].code].code
    return bool(code.co_flags & SHARED) or code.co_name == "__del__"


def _name(legal: Legal) -> str:
    return legal.first.program.flows[legal.first.stack[-1].code].code.co_qualname


def _of_turn(present: Present, next_turn: Turn) -> dict[Move, Legal]:
    """The moves of a loop that is known to go on, or to be over."""
    machine, flow = present.history.now.legal.first, present.history.flow
    step = flow.instructions[next_turn.offset]
    goes_on = min(step.successors)
    chosen = max(step.successors) if next_turn.over else goes_on
    top = machine.stack[-1]
    if flow.begins_line(next_turn.offset, chosen):
        now = Activation(top.code, top.line, jumps=frozenset({(next_turn.offset, chosen)}))
    else:
        now = Activation(top.code, top.line, frozenset({chosen}))
    narrowed = Legal((replace(machine, stack=(*machine.stack[:-1], now)),))
    found = narrowed.moves(present.history.now.bound)
    return {move: legal for move, legal in found.items() if move.event != "exception"}


def _content(present: Present, move: Move, legal: Legal) -> Content:
    if move.event == "line":
        names, values = present.locals_at(move.line)
        return Content(names, values)
    if move.event == "call":
        names, values = present.arguments_of(legal)
        return Content(names, values)
    if move.event == "return":
        return Content(value=present.result(move.line))
    return Content(value=present.exception())
