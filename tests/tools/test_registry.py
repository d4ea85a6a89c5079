"""Each tool is registered once, with its texts and the schema of its arguments."""

from __future__ import annotations

import re
from typing import Any

import pytest

from envs.issue.modes import faithful, improved
from tools.errors import UnknownToolError
from tools.registry import CORE_TOOLS, PUBLISHED_TOOLS, TOOLS, tool_spec
from tools.tool import ToolContext, ToolSpec

SPECS = pytest.mark.parametrize("spec", TOOLS, ids=lambda spec: spec.name)


def test_the_published_tools_are_four_and_two_of_them_are_always_there() -> None:
    assert PUBLISHED_TOOLS == ("bash", "edit", "create", "submit")
    assert CORE_TOOLS == ("bash", "submit")


def test_an_unknown_tool_is_an_error_and_never_another_one() -> None:
    with pytest.raises(UnknownToolError, match="no tool 'sumbit'; choose among bash, edit"):
        tool_spec("sumbit")
    assert [tool_spec(spec.name) for spec in TOOLS] == list(TOOLS)


@SPECS
def test_a_tool_has_the_name_by_which_it_is_registered(spec: ToolSpec, texts: Any) -> None:
    for switches in (improved(), faithful()):
        made = spec.make(ToolContext(texts, switches, 1.0, lambda: ""))
        assert made.name == spec.name


@SPECS
def test_the_schema_names_the_parts_that_the_description_shows(spec: ToolSpec, texts: Any) -> None:
    head, _, rest = texts.render(spec.text_key).partition("</tool>")
    shown = re.findall(r"\[(\w+)\]", head)
    assert list(spec.schema["properties"]) == spec.schema["required"] == shown  # type: ignore[call-overload]
    assert head.startswith(f"<tool: {spec.name}>\n")
    assert set(re.findall(r"\[(\w+)\]", rest)) <= set(shown)


@SPECS
def test_no_two_tools_share_a_text(spec: ToolSpec) -> None:
    others = {key for other in TOOLS if other is not spec for key in other.texts}
    assert not others & spec.texts.keys()
    assert spec.wording.keys() <= {spec.text_key, *spec.texts}


@pytest.mark.parametrize(("switches", "empty"), [(improved(), {"submit"}), (faithful(), set())])
def test_only_submit_needs_no_body_and_only_where_it_can_read_the_working_tree(
    switches: Any, empty: set[str]
) -> None:
    assert {spec.name for spec in TOOLS if spec.may_be_empty(switches)} == empty
