"""What is certain of the frames that may come, from where the running function stands."""

from __future__ import annotations

import ast
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal, get_args

from cwm_agent.debug.certain.calls import Called, called
from cwm_agent.debug.certain.conditions import goes_in
from cwm_agent.debug.certain.effects import changed
from cwm_agent.debug.certain.history import Ended, History, ended
from cwm_agent.debug.certain.inplace import called_in_place, placed
from cwm_agent.debug.certain.loops import Turn, turn
from cwm_agent.debug.certain.paths import (
    between,
    plain_returns,
    shared_names,
    stored,
    to_line,
    unbinds,
)
from cwm_agent.debug.certain.statements import Statements
from cwm_agent.debug.certain.texts import bound, is_fixed, known, moved
from cwm_agent.debug.legal.legal import Legal
from cwm_agent.debug.plain.limits import UnknownError
from cwm_agent.errors import UsageError
from model.text.traces import UNCHANGED

_SAID = {"ValueError", "TypeError", "RuntimeError", "IndexError", "Exception", "LookupError"}
"""Exceptions whose text is that of their argument."""
Level = Literal["none", "moves", "branches"]
"""What is certain: nothing; what is moved; also where a branch goes whose condition can be
computed from the values that were shown."""
LEVELS: tuple[Level, ...] = get_args(Level)
Locals = tuple[tuple[str, ...], dict[str, str]]


def level(name: object) -> Level:
    """The level of that name; raises UsageError."""
    for one in LEVELS:
        if one == name:
            return one
    raise UsageError(f"certain: {name} is none of {', '.join(LEVELS)}")


@dataclass(frozen=True, slots=True)
class Present:
    """The running function, its statement (None where the line has not just one), and what of
    its call, of the call that just ended, and of its loop is known; `goes_in`: whether the body
    of a branch comes next, where that was computed."""

    history: History
    program: Statements
    node: ast.stmt | None
    called: Called | None
    ended: Ended | None
    turn: Turn | None
    goes_in: bool | None

    @classmethod
    def of(cls, history: History, program: Statements, level: Level) -> Present:
        """Raises UnknownError."""
        node = program.alone.get(history.line) if history.event == "line" else None
        code = history.flow.code
        local = frozenset((*code.co_varnames, *code.co_cellvars, *code.co_freevars))
        call = over = goes = inside = None
        with suppress(UnknownError):
            over = ended(history)
        with suppress(UnknownError):
            call = None if node is None else called(node, _own(history), local, program)
        with suppress(UnknownError):
            if isinstance(node, ast.For):
                goes = turn(history, node, program)
        with suppress(UnknownError):
            if level == "branches" and isinstance(node, ast.If | ast.While):
                inside = goes_in(node, _own(history), history, program)
        return cls(history, program, node, call, over, goes, inside)

    @property
    def is_its_call(self) -> bool:
        """Whether the call that just ended is the one that the statement is."""
        return (
            self.called is not None
            and self.ended is not None
            and self.ended.function == self.called.function.name
        )

    @property
    def cannot_raise(self) -> bool:
        """Whether the statement only moves values."""
        try:
            if isinstance(self.node, ast.Return):
                self._value(self.node.value)
                return True
            if isinstance(self.node, ast.Assign | ast.AnnAssign):
                self._assigned()
                return True
        except UnknownError:
            pass
        if self._placed():
            return True
        return isinstance(self.node, ast.Pass | ast.Break | ast.Continue)

    def _value(self, node: ast.expr | None) -> str:
        """The text of what the statement computes last."""
        if node is None:
            return repr(None)
        if self.is_its_call and self.ended is not None and not self.ended.raised:
            known(self.ended.value)
            return self.ended.value
        if not self.history.undisturbed:
            raise UnknownError
        names = _own(self.history)
        with suppress(UnknownError):
            return moved(node, names)
        value = called_in_place(node, names).value
        if value is None:
            raise UnknownError
        return value

    def _placed(self) -> dict[str, str]:
        """The variable whose list or dict the statement changes, with its text."""
        with suppress(UnknownError):
            if self.node is not None and self.history.undisturbed:
                return dict(placed(self.node, _own(self.history)).texts)
        return {}

    def _assigned(self) -> dict[str, str]:
        """Names that the statement gives values, with their texts."""
        if isinstance(self.node, ast.For):
            if self.turn is None:
                raise UnknownError
            return dict(self.turn.values)
        if isinstance(self.node, ast.Assign):
            targets = self.node.targets
        elif isinstance(self.node, ast.AnnAssign) and self.node.value is not None:
            targets = [self.node.target]
        else:
            raise UnknownError
        value = known(self._value(self.node.value))
        found: dict[str, str] = {}
        for target in targets:
            found |= bound(target, value)
        return found

    def locals_at(self, line: int) -> Locals:
        """Names and certain texts of a line frame; raises UnknownError."""
        history, flow = self.history, self.history.flow
        names = history.names
        if history.event == "call" and history.undisturbed:
            return tuple(names), dict.fromkeys(names, UNCHANGED)
        if history.event != "line":
            raise UnknownError
        at, ends = history.top.at, to_line(flow, line)
        ways = between(flow, at, ends)
        if not ways or unbinds(flow, ways):
            raise UnknownError
        stores = stored(flow, ways)
        sure = {name for name, places in stores.items() if not between(flow, at, ends, places)}
        new = [name for name in stores if name not in names]
        if not sure.issuperset(new):
            raise UnknownError
        order = (*flow.code.co_varnames, *flow.code.co_cellvars, *flow.code.co_freevars)
        new.sort(key=order.index)
        values = self._kept([name for name in names if name not in stores])
        for name, text in self._given().items():
            if name in sure and names.get(name) != UNCHANGED:
                values[name] = UNCHANGED if names.get(name) == text else text
        for name, text in self._placed().items():
            if name not in stores and name in names:
                values[name] = UNCHANGED if names[name] == text else text
        return (*names, *new), values

    def _given(self) -> dict[str, str]:
        try:
            return self._assigned()
        except UnknownError:
            return {}

    def _kept(self, names: list[str]) -> dict[str, str]:
        """Those of some names, which the line does not bind, whose values stay as they are."""
        texts, shared = self.history.names, shared_names(self.history.flow.code)
        plain = [one for one in names if one not in shared]
        kept = [one for one in plain if is_fixed(texts[one])]
        with suppress(UnknownError):
            if self.node is None or not self.history.undisturbed:
                raise UnknownError
            touched = changed(self.node, _own(self.history), self.program)
            kept += [one for one in plain if one not in touched and texts[one] != UNCHANGED]
        return dict.fromkeys(kept, UNCHANGED)

    def arguments_of(self, legal: Legal) -> Locals:
        """Names and certain texts of the call's frame; raises UnknownError."""
        code = legal.first.program.flows[legal.first.stack[-1].code].code
        call = self.called if self.history.undisturbed else None
        if call is None or code.co_qualname != call.function.name or code.co_freevars:
            raise UnknownError
        sure = {name: text for name, text in call.arguments.items() if text is not None}
        return tuple(call.arguments), sure

    def result(self, line: int) -> str:
        """The text of a returned value; raises UnknownError."""
        history, flow, top = self.history, self.history.flow, self.history.top
        reached = flow.closure(top.at)
        returns = {one for one in reached if flow.instructions[one].returns}
        reraises = any(
            flow.instructions[one].reraises and one not in flow.handlers for one in reached
        )
        if history.event == "exception":
            if history.undisturbed and top.leaving and not (returns or reraises or top.jumps):
                return repr(None)
            raise UnknownError
        if reraises or top.leaving or not returns:
            raise UnknownError
        if isinstance(self.node, ast.Return) and line == self.node.lineno:
            if id(self.node) in self.program.guarded:
                raise UnknownError
            return self._value(self.node.value)
        if returns <= plain_returns(flow.code):
            return repr(None)
        raise UnknownError

    def exception(self) -> str:
        """The text of an exception that is raised here, or passes by; raises UnknownError."""
        if self.is_its_call and self.ended is not None and self.ended.raised:
            return self.ended.value
        match self.node:
            case ast.Raise(exc=ast.Name(id=name)):
                said = ""
            case ast.Raise(exc=ast.Call(func=ast.Name(id=name), args=[one], keywords=[])):
                value = known(moved(one, _own(self.history)))
                said = value if isinstance(value, str) else repr(value)
            case _:
                raise UnknownError
        if name not in _SAID or name in self.program.bound or not self.history.undisturbed:
            raise UnknownError
        return f"{name}: {said}" if said else name


def _own(history: History) -> dict[str, str]:
    """Variables that no other function can bind."""
    shared = shared_names(history.flow.code)
    return {name: text for name, text in history.names.items() if name not in shared}
