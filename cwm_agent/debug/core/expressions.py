"""Expressions over predicted variables: literals are computed with, other values are not known.

Values come from a model and expressions from a person; neither is ever executed.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Mapping
from typing import Any

from cwm_agent.debug.plain.evaluate import Evaluator
from cwm_agent.debug.plain.functions import FUNCTIONS
from cwm_agent.debug.plain.limits import RaisedError, UnknownError
from cwm_agent.errors import UsageError


class UnknownValueError(UsageError):
    """The expression needs a value that is not known."""


def evaluate(expression: str, variables: Mapping[str, str]) -> object:
    """The value of an expression over written values; raises UsageError or UnknownValueError."""
    try:
        tree = ast.parse(expression.strip(), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise UsageError(f"'{expression}' is no expression: {error}") from error

    def lookup(name: str) -> Any:
        if name in variables:
            return literal(variables[name])
        if name in FUNCTIONS:
            raise KeyError(name)
        if hasattr(builtins, name):
            raise UsageError(f"'{name}' is not computed here; these are: {', '.join(FUNCTIONS)}")
        raise UnknownValueError(f"name '{name}' is not defined here")

    try:
        value = Evaluator(lookup).value(tree.body)
    except RaisedError as error:
        raise UsageError(error.text) from error
    except (UnknownError, RecursionError) as error:
        raise UsageError(
            f"'{expression}' cannot be computed from predicted values: {error}; use literals, "
            "variables, operators, and functions and methods that change nothing"
        ) from error
    if callable(value) or hasattr(value, "__next__"):
        raise UsageError(f"'{expression}' is no value; call it, or make a list of it")
    return value


def written(expression: str, variables: Mapping[str, str]) -> str:
    """The value as text; a plain variable is shown as it was predicted, whatever it is."""
    name = expression.strip()
    return variables[name] if name in variables else repr(evaluate(name, variables))


def normal(text: str) -> str:
    """A written value as Python writes it, as in traces; what is no literal stays as it is."""
    try:
        found = repr(literal(text.strip()))
        literal(found)  # `inf` is none
    except UnknownValueError:
        return text
    return found


def literal(text: str) -> object:
    """A written value; raises UnknownValueError for what is no literal."""
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError, TypeError) as error:
        raise UnknownValueError(f"{text} is no literal, so nothing is computed with it") from error
