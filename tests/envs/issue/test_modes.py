"""Every difference between the modes is a documented switch."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest

from cwm_agent.prompts.cwm_sources import PLACES
from cwm_agent.prompts.schema import TEXTS
from envs.errors import ModeError
from envs.issue.modes import Switches, faithful, improved, switches

DOCUMENT = Path(__file__).parents[3] / "docs" / "modes.md"


def test_the_document_lists_every_switch_with_its_values() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (\S+) \| (\S+) \|", DOCUMENT.read_text(), re.MULTILINE)

    def shown(value: object) -> str:
        return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)

    assert rows == [
        (field.name, shown(getattr(faithful(), field.name)), shown(getattr(improved(), field.name)))
        for field in dataclasses.fields(Switches)
    ]


def test_the_document_names_the_texts_that_have_no_original() -> None:
    cut_out_of_one = {"environment.about", "environment.rules"}
    cut_out_of_one |= {key for key in TEXTS if key.startswith("environment.tool.")}
    original = {place.key for place in PLACES} | cut_out_of_one
    part = DOCUMENT.read_text().partition("Texts that do not exist in the original")[2]
    named = re.findall(r"`([a-z_]+(?:\.[a-z_]+)*)`", part.partition("Faithful mode\n")[0])
    assert set(named) == set(TEXTS) - original


def test_every_switch_is_a_difference() -> None:
    for field in dataclasses.fields(Switches):
        assert getattr(faithful(), field.name) != getattr(improved(), field.name), field.name


def test_single_switches_can_be_set() -> None:
    mixed = switches("improved", {"malformed_in_row": 3, "edit_whole_lines": False})
    assert mixed == dataclasses.replace(improved(), malformed_in_row=3, edit_whole_lines=False)
    assert switches("faithful") == faithful()


@pytest.mark.parametrize(
    ("mode", "overrides", "message"),
    [
        ("strict", {}, "choose one of faithful, improved"),
        ("improved", {"edit_whole_line": True}, "did you mean 'edit_whole_lines'?"),
        ("improved", {"colour": True}, "docs/modes.md"),
        ("improved", {"edit_whole_lines": 1}, "takes true or false, not 1"),
        ("improved", {"malformed_in_row": True}, "takes a number"),
        ("improved", {"malformed_in_row": -1}, "takes a number"),
    ],
)
def test_wrong_settings_name_the_choices(
    mode: str, overrides: dict[str, object], message: str
) -> None:
    with pytest.raises(ModeError, match=re.escape(message)):
        switches(mode, overrides)
