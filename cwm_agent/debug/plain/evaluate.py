"""The value of an expression over plain values.

What a literal can be is computed with; functions and methods are those of the
language that change nothing. Results are bounded in size, and so is the work.
"""

from __future__ import annotations

import ast
import inspect
import operator
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from cwm_agent.debug.plain.comprehensions import turns
from cwm_agent.debug.plain.functions import FUNCTIONS, TYPES, formatted
from cwm_agent.debug.plain.limits import LARGEST, UnknownError, act, listed, weighed
from cwm_agent.debug.plain.methods import has, pure
from cwm_agent.debug.plain.operators import binary, compare, unary

STEPS = 5_000
"""Nodes that one expression may take, loops of comprehensions counted by turns."""
Lookup = Callable[[str], Any]
"""The value of a name; raises KeyError for one that is left to the language."""
Call = Callable[[ast.Call, "Evaluator"], Any]
"""The result of a call of a function that the language does not have."""


def no_call(node: ast.Call, evaluator: Evaluator) -> Any:
    """For expressions that call nothing else; raises UnknownError."""
    del evaluator
    raise UnknownError(f"'{ast.unparse(node.func)}' is not called here")


@dataclass(slots=True)
class Evaluator:
    """Evaluates the parts of one statement. `inner` holds names of comprehensions and lambdas,
    None outside of them.

    `comprehensions`: whether those are computed; elsewhere they are frames of their own.
    """

    lookup: Lookup
    call: Call = no_call
    comprehensions: bool = True
    inner: dict[str, Any] | None = None
    left: list[int] = field(default_factory=lambda: [STEPS])

    def value(self, node: ast.expr) -> Any:
        """The value of an expression; raises RaisedError where it raises, and UnknownError."""
        self.left[0] -= 1
        if self.left[0] < 0:
            raise UnknownError("that takes too many steps")
        match node:
            case ast.Constant(value=value) if value is not ...:
                return value
            case ast.Name(id=name):
                return self._name(name)
            case ast.BinOp(left=left, op=op, right=right):
                return binary(op, self.value(left), self.value(right))
            case ast.UnaryOp(op=op, operand=operand):
                return unary(op, self.value(operand))
            case ast.BoolOp():
                return self._either(node)
            case ast.Compare():
                return self._compared(node)
            case ast.IfExp(test=test, body=body, orelse=orelse):
                return self.value(body if self.value(test) else orelse)
            case ast.Subscript(value=base, slice=place):
                return self._part(self.value(base), place)
            case ast.JoinedStr(values=parts):
                return weighed("".join(map(self._said, parts)))
            case ast.Call():
                return self._called(node)
            case ast.Attribute(value=base, attr=name):
                return self._method(self.value(base), name)
        return self._made(node)

    def _made(self, node: ast.expr) -> Any:
        """Of a display, a comprehension or a lambda."""
        match node:
            case ast.Tuple(elts=parts):
                return weighed(tuple(self._spread(parts)))
            case ast.List(elts=parts):
                return weighed(self._spread(parts))
            case ast.Set(elts=parts):
                return act(set, self._spread(parts))
            case ast.Dict():
                return self._dict(node)
            case ast.Lambda():
                return self._lambda(node)
            case ast.ListComp(elt=elt):
                return weighed(list(self._turns(node.generators, elt)))
            case ast.GeneratorExp(elt=elt):
                return self._turns(node.generators, elt)
            case ast.SetComp(elt=elt):
                return act(set, list(self._turns(node.generators, elt)))
            case ast.DictComp(key=key, value=value):
                pair = ast.Tuple(elts=[key, value], ctx=ast.Load())
                return act(dict, list(self._turns(node.generators, pair)))
        raise UnknownError(f"'{ast.unparse(node)}' is not computed")

    def _name(self, name: str) -> Any:
        if self.inner is not None and name in self.inner:
            return self.inner[name]
        try:
            return self.lookup(name)
        except KeyError:
            if name in FUNCTIONS:
                return FUNCTIONS[name]
        raise UnknownError(f"name '{name}' is not known here")

    def _within(self, names: dict[str, Any]) -> Evaluator:
        """The same, where some more names have values."""
        inner = {**(self.inner or {}), **names}
        return Evaluator(self.lookup, no_call, self.comprehensions, inner, self.left)

    def _spread(self, parts: list[ast.expr]) -> list[Any]:
        """The values of elements or arguments, starred ones spread."""
        found: list[Any] = []
        for part in parts:
            if isinstance(part, ast.Starred):
                value = self.value(part.value)
                if not hasattr(value, "__iter__"):
                    raise UnknownError("that cannot be spread")
                found += listed(value)
            else:
                found.append(self.value(part))
        return found

    def _place(self, node: ast.expr) -> Any:
        """The value of an index or a slice."""
        if not isinstance(node, ast.Slice):
            return self.value(node)
        ends = (node.lower, node.upper, node.step)
        return slice(*(None if end is None else self.value(end) for end in ends))

    def _part(self, value: Any, place: ast.expr) -> Any:
        if not isinstance(value, str | bytes | list | tuple | dict | range | int | float | None):
            raise UnknownError("parts of such a value are not computed")
        return act(operator.getitem, value, self._place(place))

    def _either(self, node: ast.BoolOp) -> Any:
        found: Any = None
        for one in node.values:
            found = self.value(one)
            if bool(found) == isinstance(node.op, ast.Or):
                return found
        return found

    def _compared(self, node: ast.Compare) -> Any:
        before = self.value(node.left)
        found: Any = True
        for op, other in zip(node.ops, node.comparators, strict=True):
            after = self.value(other)
            found = compare(op, before, after)
            if not found:
                return found
            before = after
        return found

    def _dict(self, node: ast.Dict) -> Any:
        found: dict[Any, Any] = {}
        for key, one in zip(node.keys, node.values, strict=True):
            if key is not None:
                place = self.value(key)
                act(found.__setitem__, place, self.value(one))
                continue
            value = self.value(one)
            if not isinstance(value, dict):
                raise UnknownError("that cannot be spread")
            found |= value
        return weighed(found)

    def _said(self, node: ast.expr) -> str:
        """What a piece of an f-string says."""
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            return node.value
        if not isinstance(node, ast.FormattedValue):
            raise UnknownError("that piece of a text is not computed")
        value = self.value(node.value)
        if node.conversion != -1:
            value = formatted(value, "") and (str if node.conversion == ord("s") else repr)(value)
        spec = "" if node.format_spec is None else self.value(node.format_spec)
        return str(act(formatted, value, spec))

    def _lambda(self, node: ast.Lambda) -> Callable[..., Any]:
        spec = node.args
        names = [one.arg for one in (*spec.posonlyargs, *spec.args)]
        if spec.vararg or spec.kwarg or spec.kwonlyargs or spec.defaults:
            raise UnknownError("such a lambda is not computed")
        self._check_hidden()

        def called(*given: Any) -> Any:
            if len(given) != len(names):
                raise UnknownError("the lambda takes another number of arguments")
            return self._within(dict(zip(names, given, strict=True))).value(node.body)

        return called

    def _turns(self, generators: list[ast.comprehension], elt: ast.expr) -> Iterator[Any]:
        self._check_hidden()
        if any(one.is_async for one in generators):
            raise UnknownError("nothing is awaited here")
        first = self.value(generators[0].iter)
        act(iter, first)

        def elements() -> Iterator[Any]:
            many = turns(generators, first, lambda n, names: self._within(names).value(n))
            for turn, names in enumerate(many):
                if turn == LARGEST:
                    raise UnknownError("there are too many elements")
                yield self._within(names).value(elt)

        return elements()

    def _check_hidden(self) -> None:
        if not self.comprehensions:
            raise UnknownError("comprehensions and lambdas are frames of their own")

    def _method(self, value: Any, name: str) -> Callable[..., Any]:
        """A bound method, or one of a type that gets its object as the first argument."""
        if callable(value):
            kind = TYPES.get(value)
            if kind is None:
                raise UnknownError("attributes of functions are not computed")
            return lambda one, *given: _of_kind(kind, one, name, given)
        if not has(value, name):
            raise UnknownError(f"the method '{name}' is not computed")
        return lambda *given, **named: pure(value, name, list(given), named)

    def _called(self, node: ast.Call) -> Any:
        function = node.func
        if isinstance(function, ast.Name) and function.id not in (self.inner or ()):
            try:
                called = self._name(function.id)
            except UnknownError:
                return self.call(node, self)
        else:
            called = self.value(function)
        given, named = self.arguments(node)
        if not callable(called):
            raise UnknownError("that is no function that is computed")
        if called in FUNCTIONS.values() and inspect.isfunction(called):
            try:
                inspect.signature(called).bind(*given, **named)
            except TypeError as error:
                raise UnknownError("the function takes other arguments") from error
        return act(called, *given, **named)

    def arguments(self, node: ast.Call) -> tuple[list[Any], dict[str, Any]]:
        """The values of a call's arguments."""
        given, named = self._spread(node.args), {}
        for keyword in node.keywords:
            if keyword.arg is None:
                raise UnknownError("keywords that are spread are not computed")
            named[keyword.arg] = self.value(keyword.value)
        return given, named


def _of_kind(kind: type, value: Any, name: str, given: tuple[Any, ...]) -> Any:
    if not isinstance(value, kind):
        raise UnknownError("the method is of another type")
    return pure(value, name, list(given), {})
