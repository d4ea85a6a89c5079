"""The grammar of a call, read by the published rules and by the precise ones."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.errors import CallError
from tools.parsing import Call, parse_call, parse_faithful

NAMES = {"bash", "edit", "create", "submit"}


def precise(answer: str, *, thinking: bool = False) -> Call | str:
    """The call, or the kind of the error."""
    try:
        return parse_call(answer, thinking=thinking, names=NAMES)
    except CallError as error:
        return error.kind


def published(answer: str, *, thinking: bool = False) -> Call | str:
    try:
        return parse_faithful(answer, thinking=thinking, names=NAMES)
    except CallError as error:
        return error.kind


ONE = "I look around.\n<tool: bash>\nls\n\n  pwd\n</tool>"
TWO = "<tool: bash>\nls\n</tool>\n<tool: edit>\nx\n</tool>"
MENTION = "<tool: bash>\necho '<tool: edit> ... </tool>'\n</tool>"
NESTED = "<tool: create>\ndoc.md\n<tool: bash>\nls\n</tool>\n</tool>"


@pytest.mark.parametrize(
    ("answer", "by_published", "by_precise"),
    [
        (ONE, Call("bash", "ls\n\n  pwd"), Call("bash", "ls\n\n  pwd")),
        ("<tool: bash>\n\nls\n\n</tool>\n", Call("bash", "\nls\n"), Call("bash", "\nls\n")),
        (ONE + "\nIt prints: a", Call("bash", "ls\n\n  pwd"), "text_after"),
        (TWO, "several_calls", "several_calls"),
        (MENTION, "tag_mismatch", Call("bash", "echo '<tool: edit> ... </tool>'")),
        (NESTED, "tag_mismatch", Call("create", "doc.md\n<tool: bash>\nls\n</tool>")),
        ("<tool: bash>\nls</tool>", "tag_mismatch", Call("bash", "ls")),
        ("<tool:bash>\nls\n</tool>", "tag_mismatch", Call("bash", "ls")),
        ("<tool: bash> \nls\n</tool>", "tag_mismatch", Call("bash", "ls")),
        ("<tool: bash>\nls", "tag_mismatch", "unclosed"),
        ("<tool: bash>\n<tool: bash>\nls\n</tool>", "tag_mismatch", "unclosed"),
        ("<tool: bash> ls", "tag_mismatch", "misplaced_tag"),
        ("Done.", "no_call", "no_call"),
        ("", "no_call", "no_call"),
        ("ls\n</tool>", "tag_mismatch", "no_call"),
        ("<tool: bash>\n \n</tool>", "empty", "empty"),
        ("<tool: bash>\n</tool>", "tag_mismatch", "empty"),
        ("<tool: browse>\nx\n</tool>", "unknown_tool", "unknown_tool"),
        ("<tool: python3>\nx\n</tool>", "tag_mismatch", "unknown_tool"),
        ("<tool: browse>\n \n</tool>", "empty", "unknown_tool"),
    ],
)
def test_replies_and_what_is_wrong_with_them(
    answer: str, by_published: Call | str, by_precise: Call | str
) -> None:
    assert published(answer) == by_published
    assert precise(answer) == by_precise


def test_only_what_follows_the_thinking_acts() -> None:
    reply = f"Maybe <tool: bash>\nrm -rf\n</tool>\n</think>\n{ONE}"
    assert published(reply, thinking=True) == precise(reply, thinking=True)
    assert precise(reply, thinking=True) == Call("bash", "ls\n\n  pwd")


def test_the_end_of_thinking_is_marked_once() -> None:
    assert published(ONE, thinking=True) == "thinking_missing"
    assert precise(ONE, thinking=True) == "thinking_missing"
    twice = f"a</think>b</think>\n{ONE}"
    assert published(twice, thinking=True) == "thinking_repeated"
    assert precise(twice, thinking=True) == "thinking_repeated"


def test_a_body_may_hold_the_mark_of_thinking() -> None:
    reply = "a\n</think>\n<tool: bash>\ngrep '</think>' x\n</tool>"
    assert published(reply, thinking=True) == "thinking_repeated"
    assert precise(reply, thinking=True) == Call("bash", "grep '</think>' x")


def test_an_empty_body_is_allowed_where_it_has_a_meaning() -> None:
    call = parse_call("<tool: submit>\n</tool>", thinking=False, names=NAMES, may_be_empty=NAMES)
    assert call == Call("submit", "")


def test_errors_carry_what_the_sentence_needs() -> None:
    with pytest.raises(CallError) as caught:
        parse_call(TWO, thinking=False, names=NAMES)
    assert caught.value.text_key == "format.several_calls"
    assert caught.value.variables == {"count": 2, "names": "bash, edit"}


PIECES = st.sampled_from(["a", " ", "\n", "<tool: edit>", "</tool>", "<tool:", "\r", "é"])
BODIES = st.lists(PIECES, max_size=8).map("".join)


def render_call(call: Call) -> str:
    return f"<tool: {call.name}>\n{call.body}\n</tool>"


@given(st.sampled_from(sorted(NAMES)), BODIES)
def test_a_rendered_call_is_read_back_unless_its_body_has_lines_of_tags(
    name: str, body: str
) -> None:
    call = Call(name, body)
    try:
        back = parse_call(render_call(call), thinking=False, names=NAMES, may_be_empty=NAMES)
    except CallError:
        back = None
    if back != call:
        tags = [line.strip() for line in body.split("\n")]
        assert "</tool>" in tags or "<tool: edit>" in tags


@given(
    st.lists(
        st.sampled_from(
            ["<tool: bash>", "<tool: edit>", "</tool>", "\n", "ls", " ", "<tool:", "</think>"]
        ),
        max_size=14,
    ).map("".join)
)
def test_what_the_published_rules_accept_means_the_same_to_the_precise_ones(reply: str) -> None:
    call = published(reply)
    if isinstance(call, Call):
        assert precise(reply) in (call, "text_after")
