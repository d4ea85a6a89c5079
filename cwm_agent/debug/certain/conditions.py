"""Where an `if` or `while` goes, computed from the values that were shown before it."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cwm_agent.debug.certain.history import Ended, History, results
from cwm_agent.debug.certain.statements import Statements
from cwm_agent.debug.certain.texts import is_fixed, known
from cwm_agent.debug.plain.evaluate import Evaluator
from cwm_agent.debug.plain.limits import RaisedError, UnknownError


def goes_in(
    node: ast.If | ast.While, names: Mapping[str, str], history: History, program: Statements
) -> bool:
    """Whether its body comes next; raises UnknownError, also where the condition has an effect.

    `names`: variables that no other function can bind, with their texts.
    """
    if not program.computable:
        raise UnknownError
    scope = _Scope(names, program, results(history))
    computes = not history.now.program.comprehensions
    try:
        return bool(Evaluator(scope.value, scope.result, computes).value(node.test))
    except (RaisedError, RecursionError) as error:
        raise UnknownError from error


@dataclass(slots=True)
class _Scope:
    """What names and calls of a condition stand for.

    `results`: of the calls that the condition has made so far, in their order;
    what they may have changed is no longer known. `taken` of them were met.
    """

    names: Mapping[str, str]
    program: Statements
    results: Sequence[Ended]
    taken: int = 0

    def value(self, name: str) -> Any:
        """Of a variable; raises KeyError for a name of the language, and UnknownError."""
        if name in self.names:
            text = self.names[name]
            if self.results and not is_fixed(text):
                raise UnknownError
            return known(text)
        if name in self.program.bound:
            raise UnknownError
        raise KeyError(name)

    def result(self, node: ast.Call, evaluator: Evaluator) -> Any:
        """Of a function of the program that has run; raises UnknownError where it is to come."""
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        if name not in self.program.functions:
            raise UnknownError
        if sum(isinstance(one, ast.Call) for one in ast.walk(node)) > 1:
            evaluator.arguments(node)  # the calls within it ended first
        if self.taken == len(self.results):
            raise UnknownError
        ended = self.results[self.taken]
        self.taken += 1
        if ended.function != name or ended.raised:
            raise UnknownError
        return known(ended.value)
