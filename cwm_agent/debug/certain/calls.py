"""Calls of plain functions whose arguments are moved values, and where their results go."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass

from cwm_agent.debug.certain.statements import Statements
from cwm_agent.debug.certain.texts import moved, written
from cwm_agent.debug.plain.limits import UnknownError


@dataclass(frozen=True, slots=True)
class Called:
    """A statement whose value is one call. `arguments`: parameter -> text, None if not known."""

    function: ast.FunctionDef
    arguments: Mapping[str, str | None]

    @property
    def certain(self) -> bool:
        """Whether all arguments are, so that nothing but the call can come."""
        return None not in self.arguments.values()


def value_of(node: ast.stmt) -> ast.expr | None:
    """The expression that a simple statement computes last."""
    if isinstance(node, ast.Assign | ast.AnnAssign | ast.Return | ast.Expr):
        return node.value
    return None


def called(
    node: ast.stmt, names: Mapping[str, str], local: frozenset[str], program: Statements
) -> Called:
    """The call that the statement is; raises UnknownError for other statements.

    `local`: names that mean something else in this function.
    """
    call = value_of(node)
    if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name):
        raise UnknownError
    function = program.functions.get(call.func.id)
    others = [one for one in ast.walk(call) if isinstance(one, ast.Call)]
    if function is None or call.func.id in local or len(others) != 1:
        raise UnknownError
    if any(isinstance(one, ast.NamedExpr | ast.Yield | ast.Await) for one in ast.walk(call)):
        raise UnknownError
    return _bound(function, call, names)


def _bound(function: ast.FunctionDef, call: ast.Call, names: Mapping[str, str]) -> Called:
    """A call with the texts of its arguments; raises UnknownError where they cannot be dealt."""
    given: dict[str, ast.expr] = {}
    spec = function.args
    if spec.vararg or spec.kwarg:
        raise UnknownError
    positional = [one.arg for one in (*spec.posonlyargs, *spec.args)]
    if len(call.args) > len(positional) or any(isinstance(a, ast.Starred) for a in call.args):
        raise UnknownError
    given |= dict(zip(positional, call.args, strict=False))
    named = {one.arg for one in (*spec.args, *spec.kwonlyargs)}
    for keyword in call.keywords:
        if keyword.arg is None or keyword.arg in given or keyword.arg not in named:
            raise UnknownError
        given[keyword.arg] = keyword.value
    texts = {name: _moved(node, names) for name, node in given.items()}
    defaults = _defaults(function)
    found: dict[str, str | None] = {}
    for name in (*positional, *(one.arg for one in spec.kwonlyargs)):
        if name in texts:
            found[name] = texts[name]
        elif name in defaults:
            found[name] = _constant(defaults[name])
        else:
            raise UnknownError
    return Called(function, found)


def _defaults(function: ast.FunctionDef) -> dict[str, ast.expr]:
    spec = function.args
    positional = [one.arg for one in (*spec.posonlyargs, *spec.args)]
    found = dict(zip(reversed(positional), reversed(spec.defaults), strict=False))
    for name, value in zip(spec.kwonlyargs, spec.kw_defaults, strict=True):
        if value is not None:
            found[name.arg] = value
    return found


def _moved(node: ast.expr, names: Mapping[str, str]) -> str | None:
    try:
        return moved(node, names)
    except UnknownError:
        return None


def _constant(node: ast.expr) -> str | None:
    """A default that nothing can have changed."""
    if not isinstance(node, ast.Constant):
        return None
    try:
        return written(node.value)
    except UnknownError:
        return None
