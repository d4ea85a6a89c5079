"""What a statement comes to when its operators and functions are computed with plain values."""

from __future__ import annotations

import ast
import builtins
import operator
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cwm_agent.debug.certain.calls import Called
from cwm_agent.debug.certain.space import CallError, Space, sure
from cwm_agent.debug.plain.comprehensions import dealt
from cwm_agent.debug.plain.limits import RaisedError, UnknownError, act
from cwm_agent.debug.plain.methods import CHANGING, change
from cwm_agent.debug.plain.operators import binary

_CHANGING = {name for names in CHANGING.values() for name in names}
_RAISED = {
    *{"ValueError", "TypeError", "KeyError", "IndexError", "LookupError", "RuntimeError"},
    *{"Exception", "ArithmeticError", "ZeroDivisionError", "OverflowError", "AttributeError"},
    *{"NotImplementedError", "AssertionError", "NameError"},
}
"""Exceptions that are of the class by which they are called."""


@dataclass(frozen=True, slots=True)
class Computed:
    """Of a statement: the exception that it raises, or the call that it makes next, or all of
    `values` (texts of variables that it binds or changes), `result`, and `test` (of a branch)."""

    raised: str | None = None
    called: Called | None = None
    values: Mapping[str, str] = field(default_factory=dict)
    result: str | None = None
    test: bool | None = None


def computed(node: ast.stmt, space: Space) -> Computed:
    """What the statement (its header) does; raises UnknownError."""
    try:
        return _Statement(space).of(node)
    except CallError as error:
        return Computed(called=error.called)
    except RaisedError as error:
        return Computed(raised=error.text)
    except RecursionError as error:
        raise UnknownError from error


@dataclass(frozen=True, slots=True)
class _Statement:
    """`stored`: variables that were bound so far."""

    space: Space
    stored: dict[str, Any] = field(default_factory=dict)

    def of(self, node: ast.stmt) -> Computed:
        match node:
            case ast.If(test=test) | ast.While(test=test):
                goes_in = bool(self.value(test))
                return Computed(values=self.space.texts({}), test=goes_in)
            case ast.Return(value=value):
                found = None if value is None else self.value(value)
                return Computed(values=self.space.texts({}), result=sure(found))
            case ast.Assert():
                self._assert(node)
            case ast.Raise():
                self._raise(node)
            case ast.Expr(value=value):
                self.value(value)
            case ast.Assign(targets=targets, value=value):
                found = self.value(value)
                for target in targets:
                    self.store(target, found)
            case ast.AnnAssign(target=ast.Name() as target, value=ast.expr() as value):
                self.store(target, self.value(value))
            case ast.AugAssign():
                self._augment(node)
            case ast.Delete(targets=targets):
                for target in targets:
                    self._delete(target)
            case ast.Pass() | ast.Break() | ast.Continue():
                pass
            case _:
                raise UnknownError
        return Computed(values=self.space.texts(self.stored))

    def value(self, node: ast.expr) -> Any:
        """Of the whole expression of a statement: its last call may change a container."""
        match node:
            case ast.Call(func=ast.Attribute(value=base, attr=name)) if name in _CHANGING:
                taken = self.space.taken
                try:
                    root, thing, fresh = self._reach(base)
                    if name in CHANGING.get(type(thing), ()):
                        return self._change(root, thing, node, fresh=fresh)
                except UnknownError:
                    if self.space.changed:
                        raise
                self.space.taken = taken
        return self.space.evaluator.value(node)

    def _reach(self, node: ast.expr) -> tuple[str, Any, bool]:
        """Variable and container that an expression leads to; whether nothing else holds that."""
        evaluator = self.space.evaluator
        match node:
            case ast.Name(id=name):
                return name, self.space.name(name), True
            case ast.Subscript(value=base, slice=place):
                root, thing, _ = self._reach(base)
                if not isinstance(thing, list | dict | tuple):
                    raise UnknownError
                return root, act(operator.getitem, thing, evaluator.place(place)), False
            case ast.Call(
                func=ast.Attribute(value=ast.Name(id=name), attr="setdefault"),
                args=[key, default],
                keywords=[],
            ):
                table, place, value = self.space.name(name), *map(evaluator.value, (key, default))
                if not isinstance(table, dict):
                    raise UnknownError
                known = act(operator.contains, table, place)
                self.space.change(name, repr(table), [value])
                made = isinstance(default, ast.List | ast.Dict | ast.Set | ast.Call)
                return name, act(table.setdefault, place, value), made and not known
        raise UnknownError

    def _change(self, root: str, thing: Any, node: ast.Call, *, fresh: bool) -> Any:
        assert isinstance(node.func, ast.Attribute)
        given, named = self.space.evaluator.arguments(node)
        self._book(root, thing, given, fresh=fresh)
        return change(thing, node.func.attr, given, named)

    def _book(self, root: str, thing: Any, given: list[Any], *, fresh: bool) -> None:
        """Book a change of a container; one within another must be there only once."""
        text = repr(thing)
        if not fresh and repr(self.space.objects[root]).count(text) != 1:
            raise UnknownError
        self.space.change(root, text, given)

    def store(self, target: ast.expr, value: Any) -> None:
        """Give a target a value."""
        match target:
            case ast.Name(id=name):
                self.stored[name] = self.space.objects[name] = value
            case ast.Tuple(elts=parts) | ast.List(elts=parts):
                for part, one in zip(parts, dealt(parts, value), strict=True):
                    self.store(part.value if isinstance(part, ast.Starred) else part, one)
            case ast.Subscript(value=base, slice=place):
                root, thing, fresh = self._reach(base)
                where = self.space.evaluator.place(place)
                if type(thing) not in (list, dict) or isinstance(where, slice):
                    raise UnknownError
                self._book(root, thing, [value], fresh=fresh)
                act(operator.setitem, thing, where, value)
            case _:
                raise UnknownError

    def _delete(self, target: ast.expr) -> None:
        if not isinstance(target, ast.Subscript):
            raise UnknownError
        root, thing, fresh = self._reach(target.value)
        where = self.space.evaluator.place(target.slice)
        if type(thing) not in (list, dict):
            raise UnknownError
        self._book(root, thing, [], fresh=fresh)
        act(operator.delitem, thing, where)

    def _augment(self, node: ast.AugAssign) -> None:
        match node.target:
            case ast.Name(id=name):
                before = self.space.name(name)
                value = self.space.evaluator.value(node.value)
                self.stored[name] = binary(node.op, before, value, in_place=True)
            case ast.Subscript(value=base, slice=place):
                root, thing, fresh = self._reach(base)
                where = self.space.evaluator.place(place)
                if type(thing) not in (list, dict) or isinstance(where, slice):
                    raise UnknownError
                before = act(operator.getitem, thing, where)
                value = self.space.evaluator.value(node.value)
                if isinstance(before, list | dict | set):
                    self._book(root, before, [value], fresh=False)
                self._book(root, thing, [value], fresh=fresh)
                found = binary(node.op, before, value, in_place=True)
                act(operator.setitem, thing, where, found)
            case _:
                raise UnknownError

    def _assert(self, node: ast.Assert) -> None:
        if not self.value(node.test):
            said = [] if node.msg is None else [self.space.evaluator.value(node.msg)]
            _throw("AssertionError", said)

    def _raise(self, node: ast.Raise) -> None:
        match node.exc:
            case ast.Name(id=name):
                given = []
            case ast.Call(func=ast.Name(id=name), args=args, keywords=[]):
                given = self.space.evaluator.spread(args)
            case _:
                raise UnknownError
        known = name in self.space.program.bound or name in self.space.names
        if name not in _RAISED or known or not isinstance(node.cause, ast.Constant | None):
            raise UnknownError
        _throw(name, given)


def _throw(name: str, given: list[Any]) -> None:
    """Raise what a built-in exception says of its arguments."""
    for one in given:
        sure(one)
    raise RaisedError(name, str(getattr(builtins, name)(*given)))
