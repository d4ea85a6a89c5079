"""The order of packages, folders and files, and their sizes (see ARCHITECTURE.md)."""

from __future__ import annotations

import statistics
from collections import Counter, defaultdict
from functools import cache
from importlib import metadata
from pathlib import Path

import pytest

from .imports import Edges, circles, edges, modules

ROOT = Path(__file__).parent.parent
MAY_IMPORT = {
    "cwm_agent": {"cwm_agent", "envs", "tools", "results", "model"},
    "envs": {"envs", "tools", "results"},
    "tools": {"tools"},
    "results": {"results"},
    "model": {"model"},
}
ORDER = {
    "cwm_agent": """__main__ > cli > commands > cluster > scoring, bench, reproduce > scaling
        > batch, replay, nano, server > debug > view, attempt > doctor, tasks > policies > config,
        generated, exit_codes > prompts > parsing, streams > errors, wording""",
    "envs": """swebench, cleanup, contest > registry, testgen, mathematics, harbor > problem
        > issue, docker, bubblewrap > images, repository > host_git > sandbox > shell
        > environment, task, failures, progress > errors""",
    "model": """engine > parallel > runner > checkpoint > ops > step > kvcache > text, config
        > device, stats, nano > errors""",
}
"""From the top down; neighbours between commas do not import each other."""
SMALL = {
    "cwm_agent/bench/viewer",  # a run to look at, a terminal, the figures
    "cwm_agent/generated/templates",  # three files, and the two kinds of templates below them
    "cwm_agent/generated/templates/standalone",  # the rest is data
    "envs/scripts",  # shell scripts, and one file that runs in an image
    "model",
}
LARGE = {"cwm_agent/cli", "cwm_agent/commands"}  # one file per command

MODULES = modules(ROOT, MAY_IMPORT)


@cache
def our_edges() -> Edges:
    """Not at import: each process that collects the tests would read all sources for it."""
    return edges(MODULES)


def ranks(package: str) -> dict[str, int]:
    """The place of each folder or file of a package, 0 at the bottom."""
    levels = [level.split(",") for level in ORDER[package].split(">")]
    return {name.strip(): height for height, level in enumerate(reversed(levels)) for name in level}


@pytest.mark.parametrize("package", sorted(MAY_IMPORT))
def test_imports_between_packages_only_go_down(package: str) -> None:
    offenders = {
        name: sorted(wrong)
        for name, targets in our_edges().items()
        if name.split(".")[0] == package
        and (wrong := {t for t in targets if t.split(".")[0] not in MAY_IMPORT[package]})
    }
    assert offenders == {}


@pytest.mark.parametrize("package", ["cwm_agent", "envs", "model"])
def test_imports_between_folders_only_go_down(package: str) -> None:
    height = ranks(package)
    inside = [name.split(".") for name in MODULES if name.startswith(f"{package}.")]
    assert {name[1] for name in inside} - {"scripts"} == set(height), "name it in ORDER"
    offenders = [
        (name, target)
        for name, targets in our_edges().items()
        for target in targets
        if _folder(name, package) != _folder(target, package)
        and height.get(_folder(target, package), -1) >= height.get(_folder(name, package), 99)
    ]
    assert offenders == []


def _folder(name: str, package: str) -> str:
    parts = name.split(".")
    return parts[1] if parts[0] == package and len(parts) > 1 else ""


def test_no_files_import_each_other_in_a_circle() -> None:
    assert circles(our_edges()) == []


def test_no_sibling_folders_import_each_other_in_a_circle() -> None:
    graphs: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for name, targets in our_edges().items():
        for target in targets:
            a, b = name.split("."), target.split(".")
            same = next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), None)
            if same is not None:
                graphs[".".join(a[:same])][a[same]].add(b[same])
                graphs[".".join(a[:same])].setdefault(b[same], set())
    assert {folder: found for folder, graph in graphs.items() if (found := circles(graph))} == {}


def test_a_planted_circle_and_a_nested_import_are_seen(tmp_path: Path) -> None:
    (tmp_path / "house").mkdir()
    (tmp_path / "house" / "a.py").write_text("def f():\n    from house.b import g\n")
    (tmp_path / "house" / "b.py").write_text("import house.c\n")
    (tmp_path / "house" / "c.py").write_text("from house import a\n")
    (tmp_path / "house" / "d.py").write_text("from house import c\n")
    found = edges(modules(tmp_path, ["house"]))
    assert found["house.a"] == {"house.b"}
    assert circles(found) == [["house.a", "house.b", "house.c"]]


def test_folders_hold_what_a_reader_can_survey() -> None:
    sizes = Counter(
        str(path.parent.relative_to(ROOT))
        for path in MODULES.values()
        if path.name != "__init__.py"
    )
    assert {folder for folder, files in sizes.items() if files < 4} - SMALL == set()
    assert {folder for folder, files in sizes.items() if files > 12} - LARGE == set()


def test_no_file_is_longer_than_a_reader_can_hold() -> None:
    paths = [*MODULES.values(), *sorted((ROOT / "tests").rglob("*.py"))]
    lengths = {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in paths}
    assert {path: lines for path, lines in lengths.items() if lines > 300} == {}
    ours = [lines for path, lines in lengths.items() if not path.startswith("tests/")]
    assert statistics.median(ours) < 120


def test_our_generic_package_names_belong_to_us_alone() -> None:
    owners = metadata.packages_distributions()
    foreign = {
        package: distributions
        for package in MAY_IMPORT
        if (distributions := set(owners.get(package, ())) - {"cwm-agent"})
    }
    assert foreign == {}
