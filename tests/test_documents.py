"""What the documents say of commands, settings and files is what there is."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from pydantic import ByteSize

from cwm_agent.cli.main import COMMANDS
from cwm_agent.config.settings import Settings, leaf_keys
from cwm_agent.exit_codes import ExitCode
from cwm_agent.tasks import examples

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
DOCUMENTS = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]


def defaults() -> dict[str, str]:
    """Defaults as a document shows them, by dotted key; "" for unset and empty lists."""
    shown = {}
    for key in leaf_keys():
        value: object = Settings()
        for name in key.split("."):
            value = getattr(value, name)
        if value is None or value == ():
            shown[key] = ""
        elif isinstance(value, tuple):
            shown[key] = ", ".join(value)
        elif isinstance(value, bool):
            shown[key] = str(value).lower()
        elif isinstance(value, ByteSize):
            shown[key] = value.human_readable(separator="").replace(".0", "")
        else:
            shown[key] = str(value)
    return shown


def test_every_setting_is_documented_with_its_default() -> None:
    text = (ROOT / "docs" / "configuration.md").read_text()
    rows = dict(re.findall(r"^\| `([a-z0-9_.]+)` \|(?: `([^`]*)`)? \|", text, re.MULTILINE))
    assert rows == defaults()


def test_the_readme_lists_every_command() -> None:
    table = README.partition("### Commands")[2].partition("###")[0]
    assert set(re.findall(r"^\| `([a-z]+)", table, re.MULTILINE)) == set(COMMANDS)


def test_the_readme_lists_every_exit_code() -> None:
    table = README.partition("### Exit codes")[2].partition("###")[0]
    codes = {int(code) for code in re.findall(r"^\| (\d+) \|", table, re.MULTILINE)}
    assert codes == {int(code) for code in ExitCode}


def test_the_examples_are_described_as_they_are() -> None:
    text = (ROOT / "docs" / "examples.md").read_text()
    for name in examples.names():
        task = yaml.safe_load((ROOT / "examples" / name / "task.yaml").read_text())
        (row,) = [line for line in text.splitlines() if line.startswith(f"| `{name}` |")]
        assert task["buggy"]["version"] in row
        assert task["fixed"]["version"] in row
        assert task["test_files"] == re.findall(r"`(tests/[^`]+)`", row)


def collected(path: Path) -> Iterator[str]:
    """What pytest collects from a file, as it names it; a test class may also be assigned."""
    for node in ast.parse(path.read_text()).body if path.is_file() else ():
        match node:
            case ast.FunctionDef(name=name) if name.startswith("test_"):
                yield name
            case ast.Assign(targets=[ast.Name(id=name)]) if name.startswith("Test"):
                yield name
            case ast.ClassDef(name=name, body=body) if name.startswith("Test"):
                yield name
                methods = [item.name for item in body if isinstance(item, ast.FunctionDef)]
                yield from (f"{name}::{method}" for method in methods if method.startswith("test_"))


def missing_tests(text: str) -> list[str]:
    """Tests that a text names, as `FILE::NAME` in backquotes, and that there are not."""
    named = re.findall(r"`(tests/[^`]*)`", text)
    files = {name.partition("::")[0] for name in named}
    there = {f"{file}::{test}" for file in files for test in collected(ROOT / file)}
    return [name for name in named if name not in there]


def test_each_trouble_is_answered_by_tests_that_exist() -> None:
    text = (ROOT / "docs" / "pains.md").read_text()
    rows = [line.split(" | ") for line in text.splitlines() if re.match(r"\| \d", line)]
    assert [row[0] for row in rows] == [f"| {number}" for number in range(1, 16)]
    assert all(len(row) == 4 and "`tests/" in row[3] for row in rows)
    assert missing_tests(text) == []


def test_a_test_that_does_not_exist_is_found() -> None:
    here = "tests/test_documents.py"
    real = [
        f"{here}::test_a_test_that_does_not_exist_is_found",
        f"{here}::test_links_lead_to_files",
    ]
    made_up = [f"{here}::collected", f"{here}::test_nothing", "tests/no_file.py::test_a", here]
    assert missing_tests(" ".join(f"`{name}`" for name in [*real, *made_up])) == made_up


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_to_files(document: Path) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)", document.read_text())
    assert [link for link in links if not (document.parent / link).exists()] == []
