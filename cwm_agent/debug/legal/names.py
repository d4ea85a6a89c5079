"""Which functions of a program may be called from which of its lines, as far as names tell."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

_REFLECTION = {
    *{"getattr", "globals", "locals", "vars", "eval", "exec", "__dict__", "methodcaller"},
    *{"attrgetter", "import_module", "__import__", "dir"},
}
_PLAIN_BASES = {"object", "Exception", "ValueError", "TypeError", "KeyError", "RuntimeError"}
_Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True)
class Names:
    """`on_line`: the names in the statements that cover a line. `escaped`: functions that may be
    called from anywhere, since they are passed around, decorated, or found by other code."""

    on_line: dict[int, frozenset[str]]
    escaped: frozenset[str]
    all_escape: bool

    @classmethod
    def of(cls, tree: ast.Module) -> Names:
        """Read the syntax tree of a program."""
        lines: dict[int, set[str]] = defaultdict(set)
        for statement in ast.walk(tree):
            if isinstance(statement, ast.stmt | ast.excepthandler | ast.match_case):
                _cover(statement, lines)
        identifiers = {name for node in ast.walk(tree) for name in _identifiers(node)}
        return cls(
            {line: frozenset(names) for line, names in lines.items()},
            frozenset(_escaping(tree)),
            bool(identifiers & _REFLECTION),
        )

    def reachable(self, line: int | None, function: str) -> bool:
        """Whether the function may be called while this line runs (None: an unknown line)."""
        if self.all_escape or function in self.escaped or line is None:
            return True
        if function.startswith("__") and function.endswith("__"):
            return True
        return function in self.on_line.get(line, ())


def _own(statement: ast.AST) -> Iterator[ast.AST]:
    """The statement and what belongs to itself: not the statements of its body."""
    yield statement
    waiting = list(ast.iter_child_nodes(statement))
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.stmt | ast.excepthandler | ast.match_case):
            continue
        yield node
        waiting.extend(ast.iter_child_nodes(node))


def _cover(statement: ast.AST, lines: dict[int, set[str]]) -> None:
    nodes = list(_own(statement))
    names = {name for node in nodes for name in _identifiers(node)}
    covered = {
        line
        for node in nodes[1:] or nodes
        if isinstance(node, ast.expr | ast.stmt | ast.pattern | ast.arg | ast.keyword)
        for line in range(node.lineno, (node.end_lineno or node.lineno) + 1)
    }
    for line in {*covered, getattr(statement, "lineno", 0)}:
        lines[line] |= names


def _identifiers(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Name):
        yield node.id
    elif isinstance(node, ast.Attribute):
        yield node.attr
    elif isinstance(node, ast.ClassDef | _Function):
        yield node.name
    elif isinstance(node, ast.alias):
        yield (node.asname or node.name).split(".")[-1]


def _escaping(tree: ast.Module) -> Iterator[str]:
    """Names of functions that may be called where they are not named."""
    called = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Name | ast.Attribute):
            if isinstance(node.ctx, ast.Load) and id(node) not in called:
                yield from _identifiers(node)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
        elif isinstance(node, _Function):
            if node.decorator_list or isinstance(node, ast.AsyncFunctionDef) or _yields(node):
                yield node.name
        elif isinstance(node, ast.ClassDef):
            if node.decorator_list or not all(_plain(base) for base in node.bases):
                yield from (one.name for one in ast.walk(node) if isinstance(one, _Function))
        elif isinstance(node, ast.Lambda | ast.GeneratorExp):
            yield from (name for one in ast.walk(node) for name in _identifiers(one))


def _yields(function: ast.AST) -> bool:
    return any(isinstance(node, ast.Yield | ast.YieldFrom) for node in ast.walk(function))


def _plain(base: ast.expr) -> bool:
    return isinstance(base, ast.Name) and base.id in _PLAIN_BASES
