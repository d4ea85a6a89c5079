"""The house has five rooms, and an import may only go down the list (see ARCHITECTURE.md)."""

from __future__ import annotations

import ast
from importlib import metadata
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MAY_IMPORT = {
    "cwm_agent": {"cwm_agent", "envs", "tools", "results", "model"},
    "envs": {"envs", "tools", "results"},
    "tools": {"tools"},
    "results": {"results"},
    "model": {"model"},
}


def imported_rooms(source: str) -> set[str]:
    """Top-level names of ours that `source` imports, at any depth of nesting."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names.update(alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            names.add(node.module.split(".")[0])
    return names & MAY_IMPORT.keys()


@pytest.mark.parametrize("room", sorted(MAY_IMPORT))
def test_imports_only_go_down(room: str) -> None:
    offenders = {
        str(path.relative_to(ROOT)): sorted(imported_rooms(path.read_text()) - MAY_IMPORT[room])
        for path in (ROOT / room).rglob("*.py")
    }
    assert {path: rooms for path, rooms in offenders.items() if rooms} == {}


def test_the_reader_of_imports_sees_nested_ones() -> None:
    assert imported_rooms("def f():\n    from envs.docker.sandbox import X\n") == {"envs"}


def test_no_file_is_longer_than_a_reader_can_hold() -> None:
    long = {
        str(path.relative_to(ROOT)): lines
        for room in MAY_IMPORT
        for path in (ROOT / room).rglob("*.py")
        if (lines := len(path.read_text().splitlines())) > 300
    }
    assert long == {}


def test_our_generic_package_names_belong_to_us_alone() -> None:
    owners = metadata.packages_distributions()
    foreign = {
        room: distributions
        for room in MAY_IMPORT
        if (distributions := set(owners.get(room, ())) - {"cwm-agent"})
    }
    assert foreign == {}
