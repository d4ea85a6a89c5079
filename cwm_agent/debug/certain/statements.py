"""The statements of a program by line, and whether its values are what they look like."""

from __future__ import annotations

import ast
import sys
from collections import Counter, defaultdict
from dataclasses import dataclass
from functools import lru_cache

from cwm_agent.debug.legal.program import Program

_PLAIN_BASES = {"object", "Exception", "ValueError", "TypeError", "KeyError", "RuntimeError"}
_POSING = {"UserList", "UserDict", "UserString"}
"""Mutable things whose repr looks like that of a literal."""
_REACHING = {
    *{"exec", "eval", "globals", "locals", "vars", "setattr", "delattr", "__import__"},
    *{"__builtins__", "builtins", "importlib", "ctypes", "gc", "sys", "inspect", "unittest"},
}
"""Names by which a program can change what other names mean."""
_Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Statements:
    """`alone`: the statement of a line, where it has just one that ends on it.

    `functions`: plain functions of the top level that nothing can replace, by
    name. `bound`: every name that the program gives a value anywhere.
    `guarded`: return statements that something may run after. `computable`:
    whether the language's own names mean what they should.
    """

    trusted: bool
    alone: dict[int, ast.stmt]
    functions: dict[str, ast.FunctionDef]
    bound: frozenset[str]
    defined: frozenset[str]
    guarded: frozenset[int]
    computable: bool


@lru_cache(64)
def statements(program: Program) -> Statements:
    """Read the syntax tree."""
    tree = program.tree
    lines: dict[int, list[ast.stmt]] = defaultdict(list)
    guarded: set[int] = set()
    names: Counter[str] = Counter()
    defined = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.stmt):
            lines[node.lineno].append(node)
        if isinstance(node, ast.Try | ast.TryStar | ast.With | ast.AsyncWith):
            guarded |= {id(one) for one in ast.walk(node) if isinstance(one, ast.Return)}
        if isinstance(node, _Function | ast.ClassDef):
            defined.add(node.name)
        names.update(_binds(node))
    alone = {
        line: found[0]
        for line, found in lines.items()
        if len(found) == 1 and _header_end(found[0]) == line
    }
    functions = {
        one.name: one
        for one in tree.body
        if isinstance(one, ast.FunctionDef) and names[one.name] == 1 and _is_plain(one)
    }
    return Statements(
        _trusted(program),
        alone,
        functions,
        frozenset(names),
        frozenset(defined),
        frozenset(guarded),
        _computable(tree),
    )


def _header_end(node: ast.stmt) -> int:
    """The last line of a statement without its body."""
    body = getattr(node, "body", None)
    if not isinstance(body, list):
        return node.end_lineno or node.lineno
    parts = [one for one in ast.iter_child_nodes(node) if isinstance(one, ast.expr)]
    return max([node.lineno, *(part.end_lineno or 0 for part in parts)])


def _binds(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
        return [node.id]
    if isinstance(node, _Function | ast.ClassDef):
        return [node.name]
    if isinstance(node, ast.arg):
        return [node.arg]
    if isinstance(node, ast.alias):
        return [(node.asname or node.name).split(".")[0]]
    if isinstance(node, ast.ExceptHandler) and node.name:
        return [node.name]
    if isinstance(node, ast.MatchAs | ast.MatchStar) and node.name:
        return [node.name]
    if isinstance(node, ast.MatchMapping) and node.rest:
        return [node.rest]
    return []


def _is_plain(function: ast.FunctionDef) -> bool:
    inner = [one for one in ast.walk(function) if isinstance(one, ast.Yield | ast.YieldFrom)]
    return not function.decorator_list and not inner


def _computable(tree: ast.Module) -> bool:
    """Whether nothing reaches names by other ways, and no foreign value looks like a literal."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id in _REACHING:
            return False
        if isinstance(node, ast.Import | ast.ImportFrom):
            imported = [one.name for one in node.names]
            names = imported if isinstance(node, ast.Import) else [node.module or ""]
            roots = {name.split(".")[0] for name in names}
            if roots & _REACHING or not roots <= sys.stdlib_module_names:
                return False
    return True


def _trusted(program: Program) -> bool:
    """Whether no value can look like a literal without being one, or change behind our back."""
    if program.names.all_escape or " at 0x" in program.source:
        return False
    own = {node.name for node in ast.walk(program.tree) if isinstance(node, ast.ClassDef)}
    for node in ast.walk(program.tree):
        if isinstance(node, ast.ClassDef):
            bases = {base.id if isinstance(base, ast.Name) else "" for base in node.bases}
            if node.decorator_list or node.keywords or not bases <= _PLAIN_BASES | own:
                return False
        elif isinstance(node, _Function):
            name = node.name
            if name.startswith("__") and name.endswith("__") and name != "__init__":
                return False
        elif isinstance(node, ast.Name | ast.Attribute | ast.alias):
            said = node.id if isinstance(node, ast.Name) else getattr(node, "attr", "")
            if {said, getattr(node, "name", "")} & _POSING:
                return False
        elif isinstance(node, ast.ImportFrom) and any(one.name == "*" for one in node.names):
            return False
    return True
