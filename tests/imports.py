"""Who imports whom in this project, read from the sources at any depth of nesting."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path

Edges = Mapping[str, Collection[str]]


def modules(root: Path, packages: Iterable[str]) -> dict[str, Path]:
    """Every module of the packages under `root`, by its dotted name."""
    found = {}
    for package in packages:
        for path in sorted((root / package).rglob("*.py")):
            dotted = ".".join(path.relative_to(root).with_suffix("").parts)
            found[dotted.removesuffix(".__init__")] = path
    return found


def edges(known: Mapping[str, Path]) -> dict[str, set[str]]:
    """For each module the others among `known` that it imports."""
    return {
        name: {target for target in _imported(path.read_text(), known) if target != name}
        for name, path in known.items()
    }


def _imported(source: str, known: Collection[str]) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in known)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                if whole in known:
                    yield whole
                elif node.module in known:
                    yield node.module


def circles(graph: Edges) -> list[list[str]]:
    """Groups of two and more nodes that reach each other, each sorted."""
    reached = {node: _reachable(node, graph) for node in graph}
    groups = {
        tuple(sorted(other for other in reached[node] if node in reached.get(other, ())))
        for node in graph
        if node in reached[node]
    }
    return [list(group) for group in sorted(groups)]


def _reachable(start: str, graph: Edges) -> set[str]:
    seen: set[str] = set()
    ahead = list(graph.get(start, ()))
    while ahead:
        node = ahead.pop()
        if node not in seen:
            seen.add(node)
            ahead += graph.get(node, ())
    return seen
