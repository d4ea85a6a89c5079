"""Editing files: exact matches, exact results, and messages that help."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tools.edit import EditTool, excerpt, find_lines


def block(path: str, search: str, replacement: str | None) -> str:
    """An edit call's body; None for no replacement line at all."""
    middle = "" if replacement is None else replacement + "\n"
    return f"{path}\n<<<<<<< SEARCH\n{search}\n=======\n{middle}>>>>>>> REPLACE"


def faithful(texts: Any) -> EditTool:
    return EditTool(
        texts,
        whole_lines=False,
        allow_deletion=False,
        keep_line_endings=False,
        any_encoding=False,
        strip_path=False,
        refuse_unchanged=False,
    )


def test_an_edit_shows_the_place(texts: Any, workspace: Any) -> None:
    lines = [f"line {number}" for number in range(1, 31)]
    workspace.write_file("a.txt", "\n".join(lines).encode() + b"\n")
    result = EditTool(texts).run(block("a.txt", "line 15", "new\nnewer"), workspace)
    assert result.ok
    assert "a.txt at line 15; it now has 32 lines" in result.feedback
    shown = [line for line in result.feedback.split("\n") if "\t" in line]
    assert shown[0] == "     7\tline 7"
    assert shown[8:10] == ["    15\tnew", "    16\tnewer"]
    assert shown[-1] == "    24\tline 23"
    expected = [*lines[:14], "new", "newer", *lines[15:], ""]
    assert workspace.read_file("a.txt").decode().split("\n") == expected


@pytest.mark.parametrize(
    ("before", "search", "replacement", "after"),
    [
        (b"a\r\nb\r\nc\r\n", "b", "x\ny", b"a\r\nx\r\ny\r\nc\r\n"),
        (b"\xef\xbb\xbfa\nb", "a", "x", b"\xef\xbb\xbfx\nb"),
        (b"caf\xe9\nb", "b", "x", b"caf\xe9\nx"),
        (b"caf\xe9\nb", "café", "thé", b"th\xe9\nb"),
        (b"\xff\x00b\nb\n", "b", "x", b"\xff\x00b\nx\n"),
        (b"a\nb", "b", None, b"a"),
        (b"a\nb\nc\n", "b", None, b"a\nc\n"),
        (b"a\nb\nc\n", "b", "", b"a\n\nc\n"),
        (b"a\n", "a", None, b""),
        (b"Title\n=======\nText\n", "Title\n=======\nText", "Title\n=======", b"Title\n=======\n"),
        (b"", "", "first", b"first"),
    ],
)
def test_only_the_named_lines_change(
    texts: Any, workspace: Any, before: bytes, search: str, replacement: str | None, after: bytes
) -> None:
    workspace.write_file("f", before)
    result = EditTool(texts).run(block("f", search, replacement), workspace)
    assert result.ok, result.feedback
    assert workspace.read_file("f") == after


@pytest.mark.parametrize(
    ("body", "part"),
    [
        ("f", "not a valid edit"),
        (block("f", "a", "b") + "\n" + block("f", "c", "d"), "holds 2"),
        (block("g", "a", "b"), "no file g"),
        (block(".", "a", "b"), "cannot be edited: Is a directory"),
        (block("f", "absent", "b"), "do not stand like this in f."),
        (block("f", "indented", "b"), "exact indentation"),
        (block("f", "twice", "b"), "at lines [2, 4] of f"),
        (block("f", "prefi", "b"), "do not stand like this"),
        (block("f", "café", "日本"), "encoding of f (latin-1)"),
        (block("f", "prefix", "prefix"), "equal the search lines, which end at line 5 of f"),
        (block("f", "café\ntwice\nprefix", "café\ntwice\nprefix"), "end at line 5 of f"),
    ],
)
def test_a_refused_edit_changes_nothing_and_says_why(
    texts: Any, workspace: Any, body: str, part: str
) -> None:
    content = b"    indented\ntwice\ncaf\xe9\ntwice\nprefix\n"
    workspace.write_file("f", content)
    result = EditTool(texts).run(body, workspace)
    assert not result.ok
    assert part in result.feedback
    assert workspace.read_file("f") == content


def test_the_published_edit_keeps_its_quirks(texts: Any, workspace: Any) -> None:
    workspace.write_file("f", b"foobar\r\nb\r\n")
    assert faithful(texts).run(block("f", "foo", "x"), workspace).ok
    assert workspace.read_file("f") == b"xbar\nb\n"
    assert "not a valid edit" in faithful(texts).run(block("f", "b", None), workspace).feedback
    assert faithful(texts).run(block("f", "b", ""), workspace).ok
    assert workspace.read_file("f") == b"xbar\n\n"


@pytest.mark.parametrize(
    ("content", "path", "search", "published", "improved"),
    [
        (b"caf\xe9\nb\n", "f", "b", None, b"caf\xe9\nx\n"),
        ("a\nb\n".encode("utf-16"), "f", "b", None, "a\nx\n".encode("utf-16")),
        (b"\xef\xbb\xbfa\nb\n", "f", "a", None, b"\xef\xbb\xbfx\nb\n"),
        (b"\xef\xbb\xbfa\nb\n", "f", "\ufeffa", b"x\nb\n", None),
        (b"\xef\xbb\xbfa\nb\n", "f", "b", b"\xef\xbb\xbfa\nx\n", b"\xef\xbb\xbfa\nx\n"),
        (b"b\n", " f ", "b", None, b"x\n"),
    ],
)
def test_encodings_and_blanks_around_a_path(
    texts: Any,
    workspace: Any,
    content: bytes,
    path: str,
    search: str,
    published: bytes | None,
    improved: bytes | None,
) -> None:
    for tool, wanted in ((faithful(texts), published), (EditTool(texts), improved)):
        workspace.write_file("f", content)
        assert tool.run(block(path, search, "x"), workspace).ok == (wanted is not None)
        assert workspace.read_file("f") == (content if wanted is None else wanted)


def test_what_a_call_writes_is_written_as_it_is(texts: Any, workspace: Any) -> None:
    for tool in (faithful(texts), EditTool(texts)):
        workspace.write_file("f", b"a\nb\n")
        assert tool.run(block("f", "b", "x\r\ny"), workspace).ok
        assert workspace.read_file("f") == b"a\nx\r\ny\n"


def test_neither_a_folder_nor_a_link_to_nowhere_can_be_edited(texts: Any, workspace: Any) -> None:
    (workspace.folder / "d").mkdir()
    (workspace.folder / "link").symlink_to("nowhere")
    for tool in (faithful(texts), EditTool(texts)):
        assert "d cannot be edited" in tool.run(block("d", "a", "b"), workspace).feedback
        assert "no file link" in tool.run(block("link", "a", "b"), workspace).feedback


def test_the_published_edit_reports_an_edit_without_a_change_as_done(
    texts: Any, workspace: Any
) -> None:
    workspace.write_file("f", b"a\nb\n")
    result = faithful(texts).run(block("f", "b", "b"), workspace)
    assert result.ok
    assert "f at line 2; it now has" in result.feedback
    assert workspace.read_file("f") == b"a\nb\n"


SMALL = st.lists(st.sampled_from(["a", "b", "ab", ""]), min_size=1, max_size=7)


def naive(lines: list[str], search: list[str], new: list[str]) -> list[str] | None:
    """Replace the one place where `search` stands; None if not exactly one, or without a change."""
    places = [i for i in range(len(lines)) if lines[i : i + len(search)] == search]
    if len(places) != 1 or search == new:
        return None
    return lines[: places[0]] + new + lines[places[0] + len(search) :]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(SMALL, SMALL, SMALL)
def test_an_edit_equals_a_naive_one(
    texts: Any, workspace: Any, lines: list[str], search: list[str], new: list[str]
) -> None:
    workspace.write_file("f", "\n".join(lines).encode())
    result = EditTool(texts).run(block("f", "\n".join(search), "\n".join(new)), workspace)
    expected = naive(lines, search, new)
    assert result.ok == (expected is not None)
    now = workspace.read_file("f").decode()
    assert now == "\n".join(lines if expected is None else expected)


@given(SMALL, SMALL)
def test_the_published_match_is_anchored_at_line_starts(
    lines: list[str], search: list[str]
) -> None:
    text, wanted = "\n" + "\n".join(lines), "\n" + "\n".join(search)
    starts = [i for i in range(len(text)) if text.startswith(wanted, i)]
    numbers = [text.count("\n", 0, i) for i in starts]
    assert find_lines(tuple(lines), tuple(search), whole=False) == numbers


def test_an_excerpt_stops_at_the_ends_of_the_file() -> None:
    assert excerpt(("a", "b"), 1, 2) == "     1\ta\n     2\tb"
