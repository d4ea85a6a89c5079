"""Which values a statement may change in place, by its syntax and the values it meets."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping

from cwm_agent.debug.certain.statements import Statements
from cwm_agent.debug.certain.texts import is_fixed, is_known, known, only_fixed_inside
from cwm_agent.debug.plain.limits import UnknownError

_PURE = {
    *{"len", "abs", "min", "max", "sum", "sorted", "range", "enumerate", "zip", "reversed", "str"},
    *{"int", "float", "bool", "list", "tuple", "set", "dict", "frozenset", "round", "divmod"},
    *{"ord", "chr", "any", "all", "isinstance", "repr", "pow", "hash", "type", "print", "format"},
    *{"ValueError", "TypeError", "KeyError", "IndexError", "RuntimeError", "Exception"},
    *{"ZeroDivisionError", "bin", "hex", "oct", "complex", "bytes", "ascii", "callable"},
}
_PURE_METHODS = {
    *{"get", "keys", "values", "items", "copy", "count", "index", "split", "rsplit", "splitlines"},
    *{"strip", "lstrip", "rstrip", "lower", "upper", "title", "capitalize", "swapcase", "casefold"},
    *{"startswith", "endswith", "replace", "find", "rfind", "rindex", "join", "partition"},
    *{"rpartition", "zfill", "center", "ljust", "rjust", "isdigit", "isalpha", "isalnum"},
    *{"isspace", "isupper", "islower", "istitle", "isdecimal", "isnumeric", "isidentifier"},
    *{"encode", "decode", "format", "expandtabs", "removeprefix", "removesuffix", "translate"},
    *{"union", "intersection", "difference", "symmetric_difference", "issubset", "issuperset"},
    *{"isdisjoint", "bit_length", "hex", "is_integer"},
}
_CHANGING_METHODS = {
    *{"append", "extend", "insert", "remove", "pop", "clear", "sort", "reverse", "add", "discard"},
    *{"update", "setdefault", "popitem"},
}


def changed(node: ast.stmt, names: Mapping[str, str], program: Statements) -> frozenset[str]:
    """Names whose value may be changed in place when the statement (its header) runs.

    Fixed values never are. Raises UnknownError where everything else may be.
    """
    parts = list(_header(node))
    inner = _bound_inside(parts)
    found: set[str] = set()
    for part in parts:
        if isinstance(part, ast.Name):
            _check_name(part, names, program, inner)
        elif isinstance(part, ast.Call):
            found |= _call(part, names, program, inner)
        elif isinstance(part, ast.Subscript) and not isinstance(part.ctx, ast.Load):
            found |= _within(part.value, names)
        elif isinstance(part, ast.Yield | ast.YieldFrom | ast.Await | ast.NamedExpr):
            raise UnknownError
    if isinstance(node, ast.AugAssign):
        target = node.target
        if isinstance(target, ast.Name) and not is_fixed(names.get(target.id, "")):
            found |= _holding(names.get(target.id, ""), names)
        base = target.value if isinstance(target, ast.Subscript) else None
        if isinstance(base, ast.Name) and not only_fixed_inside(known(names.get(base.id, ""))):
            raise UnknownError  # what stands in the container may be changed in its place
    return frozenset(found)


def _header(node: ast.stmt) -> Iterator[ast.AST]:
    if isinstance(
        node,
        ast.With
        | ast.AsyncWith
        | ast.AsyncFor
        | ast.Import
        | ast.ImportFrom
        | ast.FunctionDef
        | ast.AsyncFunctionDef
        | ast.ClassDef
        | ast.Match,
    ):
        raise UnknownError
    yield node
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, ast.stmt | ast.excepthandler):
            yield from ast.walk(child)


def _bound_inside(parts: list[ast.AST]) -> set[str]:
    """Names that belong to comprehensions and lambdas of the statement."""
    found = set()
    for part in parts:
        if isinstance(part, ast.comprehension):
            targets = [one for one in ast.walk(part.target) if isinstance(one, ast.Name)]
            found |= {one.id for one in targets}
        elif isinstance(part, ast.Lambda):
            found |= {one.arg for one in ast.walk(part.args) if isinstance(one, ast.arg)}
    return found


def _check_name(
    node: ast.Name, names: Mapping[str, str], program: Statements, inner: set[str]
) -> None:
    """Raise for a name that may stand for an iterator, a function, or anything else unknown."""
    if not isinstance(node.ctx, ast.Load) or node.id in inner:
        return
    if node.id in names:
        if not is_known(names[node.id]):
            raise UnknownError
    elif node.id in program.bound or node.id not in _PURE:
        raise UnknownError


def _call(
    node: ast.Call, names: Mapping[str, str], program: Statements, inner: set[str]
) -> frozenset[str]:
    match node.func:
        case ast.Name(id=name) if name in _PURE and name not in program.bound:
            return frozenset()
        case ast.Attribute(value=receiver, attr=method) if method not in program.defined:
            if method in _PURE_METHODS:
                return frozenset()
            if method in _CHANGING_METHODS and isinstance(receiver, ast.Name):
                if receiver.id in inner:
                    raise UnknownError
                return _within(receiver, names)
    raise UnknownError


def _within(base: ast.expr, names: Mapping[str, str]) -> frozenset[str]:
    """Names whose value may be, or hold, the container that a name stands for.

    What holds a thing shows its text, so a text without it does not hold it.
    """
    if not isinstance(base, ast.Name) or base.id not in names:
        raise UnknownError
    return _holding(names[base.id], names)


def _holding(text: str, names: Mapping[str, str]) -> frozenset[str]:
    known(text)
    return frozenset(name for name, other in names.items() if text in other)
