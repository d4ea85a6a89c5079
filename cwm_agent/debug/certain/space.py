"""The variables of one statement as plain values, and what the statement did to them so far."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import CodeType
from typing import Any

from cwm_agent.debug.certain.calls import Called, bind
from cwm_agent.debug.certain.history import Ended
from cwm_agent.debug.certain.statements import Statements
from cwm_agent.debug.certain.texts import is_fixed, known
from cwm_agent.debug.plain.evaluate import Evaluator
from cwm_agent.debug.plain.limits import RaisedError, UnknownError, is_plain, is_steady


class CallError(Exception):
    """The statement goes on with a call, of which there is no result yet."""

    def __init__(self, called: Called) -> None:
        super().__init__(called.function.name)
        self.called = called


def sure(value: Any) -> str:
    """How a value is written; raises UnknownError."""
    if not is_plain(value) or not is_steady(value):
        raise UnknownError
    text = repr(value)
    known(text)
    return text


@dataclass(slots=True)
class Space:
    """`names`: variables that nobody else binds, with their texts; `others`: the other ones.

    `results`: of the calls that the statement has made so far, in their order;
    what they may have changed is no longer known. `changed`: root and text of
    each container that the statement changed in its place.
    """

    names: Mapping[str, str]
    others: frozenset[str]
    code: CodeType
    program: Statements
    results: Sequence[Ended] = ()
    comprehensions: bool = True
    objects: dict[str, Any] = field(default_factory=dict)
    changed: list[tuple[str, str]] = field(default_factory=list)
    taken: int = 0

    @property
    def evaluator(self) -> Evaluator:
        """For the parts of the statement."""
        return Evaluator(self.name, self.call, self.comprehensions)

    def name(self, name: str) -> Any:
        """The value of a variable; KeyError for a name of the language, see `Evaluator`."""
        if name in self.others:
            raise UnknownError
        if name in self.names or name in self.objects:
            return self._variable(name)
        if name in (*self.code.co_varnames, *self.code.co_cellvars):
            said = f"cannot access local variable '{name}' where it is not associated with a value"
            raise RaisedError("UnboundLocalError", said)
        if name in self.program.bound or name in self.code.co_freevars:
            raise UnknownError
        if hasattr(builtins, name):
            raise KeyError(name)
        if name.startswith("__"):
            raise UnknownError
        raise RaisedError("NameError", f"name '{name}' is not defined")

    def _variable(self, name: str) -> Any:
        if name not in self.objects:
            self.objects[name] = self._read(self.names[name])
        text = self.names.get(name, "")
        if any(name != root and before in text for root, before in self.changed):
            raise UnknownError  # it may be what was changed
        return self.objects[name]

    def _read(self, text: str) -> Any:
        if self.results and not is_fixed(text):
            raise UnknownError
        return self._literal(text)

    def call(self, node: ast.Call, evaluator: Evaluator) -> Any:
        """The result of a function of the program; raises CallError where it is still to come."""
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        function = self.program.functions.get(name)
        if function is None or name in self.others or name in self.code.co_varnames:
            raise UnknownError
        inner = [one for one in ast.walk(node) if isinstance(one, ast.Call)]
        if len(inner) > 1 or self.taken == len(self.results):
            called = bind(function, node, lambda one: sure(evaluator.value(one)))
            if self.taken == len(self.results):
                raise CallError(called)
        ended = self.results[self.taken]
        self.taken += 1
        if ended.function != name:
            raise UnknownError
        if ended.raised:
            kind, _, said = ended.value.partition(": ")
            raise RaisedError(kind, said)
        return self._literal(ended.value)

    def _literal(self, text: str) -> Any:
        """A fresh value, which the statement may change."""
        value = known(text)
        if not self.program.grow and _holds_set(value):
            raise UnknownError
        return ast.literal_eval(text)

    def change(self, root: str, text: str, given: Sequence[Any]) -> None:
        """Book that a container of this text, reached through a variable, is changed.

        Raises UnknownError where something that is put in may be, or hold, it.
        """
        if any(root != other for other, _ in self.changed):
            raise UnknownError
        for name, value in self.objects.items():
            if name != root and text in repr(value):
                held = {id(one) for one in _inside(value)}
                if any(id(one) in held for value in given for one in _inside(value)):
                    raise UnknownError
        self.changed.append((root, text))

    def texts(self, names: Mapping[str, Any]) -> dict[str, str]:
        """How the values of some names are written, and those of changed variables."""
        found = {root: sure(self.objects[root]) for root, _ in self.changed}
        return found | {name: sure(value) for name, value in names.items()}


def _holds_set(value: object) -> bool:
    """Whether there is a set in it, the order of which depends on what it held before."""
    if isinstance(value, dict):
        return any(map(_holds_set, value.values()))
    return isinstance(value, set) or (
        isinstance(value, list | tuple) and any(map(_holds_set, value))
    )


def _inside(value: Any) -> list[Any]:
    """All that can change of a value."""
    if isinstance(value, dict):
        return [value, *(one for part in value.values() for one in _inside(part))]
    if isinstance(value, list | tuple | set):
        own = [] if isinstance(value, tuple) else [value]
        return [*own, *(one for part in value for one in _inside(part))]
    return []
