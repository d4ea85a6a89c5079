"""What the documents say of commands, settings and files is what there is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from pydantic import ByteSize

from cwm_agent import examples
from cwm_agent.cli.exit_codes import ExitCode
from cwm_agent.cli.main import COMMANDS
from cwm_agent.settings import Settings, leaf_keys

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
        elif isinstance(value, bool):
            shown[key] = str(value).lower()
        elif isinstance(value, ByteSize):
            shown[key] = value.human_readable(separator="").replace(".0", "")
        else:
            shown[key] = str(value)
    return shown


def test_every_setting_is_documented_with_its_default() -> None:
    text = (ROOT / "docs" / "configuration.md").read_text()
    rows = dict(re.findall(r"^\| `([a-z_.]+)` \|(?: `([^`]*)`)? \|", text, re.MULTILINE))
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


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_to_files(document: Path) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)", document.read_text())
    assert [link for link in links if not (document.parent / link).exists()] == []
