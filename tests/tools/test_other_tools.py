"""bash, create and submit on real files and processes."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from tools.bash import BashTool
from tools.create import CreateTool
from tools.submit import PATCH_BYTES, SubmitTool

DIFF = "diff --git a/x b/x\n"


def test_bash_gives_the_raw_output_without_exit_code(texts: Any, workspace: Any) -> None:
    result = BashTool(texts).run("echo out; echo err >&2; false", workspace)
    assert (result.feedback, result.ok) == ("out\nerr\n", True)
    assert result.command is not None
    assert result.command.exit_code == 1


def test_bash_keeps_what_came_before_a_failure(texts: Any, workspace: Any) -> None:
    tool = BashTool(texts, timeout=1.0)
    result = tool.run("printf partial; sleep 20", workspace)
    assert not result.ok
    assert result.feedback.startswith("partial\nThe command was stopped after 1 seconds")
    result = tool.run("echo bye; exit 3", workspace)
    assert result.feedback.startswith("bye\nThe command ended the shell (exit code 3).")


def test_published_bash_drops_what_came_before_a_failure(texts: Any, workspace: Any) -> None:
    tool = BashTool(texts, timeout=1.0, keep_partial_output=False)
    fresh = "A new shell was opened in the starting directory."
    assert tool.run("echo partial; sleep 20", workspace).feedback == (
        f"The shell was closed because the command took too long. {fresh}"
    )
    assert tool.run("exit 3", workspace).feedback.endswith(f"unexpected end. {fresh}")
    workspace.output_bytes = 100
    flood = tool.run("seq 1000", workspace)
    assert not flood.ok
    assert flood.feedback.endswith(f"printed too much. {fresh}")


def test_invalid_bytes_are_shown_or_dropped(texts: Any, workspace: Any) -> None:
    command = "printf 'a\\xffb \\xef\\xbf\\xbd\\n'"
    assert BashTool(texts).run(command, workspace).feedback == "a\ufffdb \ufffd\n"
    published = BashTool(texts, drop_invalid_bytes=True)
    assert published.run(command, workspace).feedback == "ab \ufffd\n"
    workspace.write_file("x.patch", DIFF.encode() + b"-caf\xe9\n")
    submitted = SubmitTool(texts, through_shell=True).run("x.patch", workspace)
    assert submitted.submission == f"{DIFF}-caf\n"


def test_a_path_of_create_has_its_blanks_or_not(texts: Any, workspace: Any) -> None:
    assert CreateTool(texts).run(" one.py \n1", workspace).ok
    assert CreateTool(texts, strip_path=False).run(" two.py \n2", workspace).ok
    (workspace.folder / "link").symlink_to("three.py")
    assert CreateTool(texts).run("link\n3", workspace).ok  # leads nowhere: the file is made there
    assert {path.name for path in workspace.folder.iterdir()} == {
        "one.py", " two.py ", "link", "three.py",
    }  # fmt: skip


def test_bash_says_how_much_output_was_dropped(texts: Any, workspace: Any) -> None:
    workspace.output_bytes = 100
    result = BashTool(texts).run("head -c 1000 /dev/zero | tr '\\0' x", workspace)
    assert result.ok
    assert "900 bytes" in result.feedback


def test_create_writes_exactly_the_content(texts: Any, workspace: Any) -> None:
    result = CreateTool(texts).run("a b.py\nx = 'é'\n\n", workspace)
    assert result.ok
    assert "a b.py with 3 lines" in result.feedback
    assert workspace.read_file("a b.py") == "x = 'é'\n\n".encode()
    assert CreateTool(texts).run("empty", workspace).ok
    assert workspace.read_file("empty") == b""


@pytest.mark.parametrize(
    ("body", "part"),
    [
        ("here.py\nnew", "already something at here.py"),
        (".\nnew", "already something at ."),
        ("\nnew", "it is empty"),
        ("no/where/x.py\nnew", "there is no folder /"),
        ("here.py/x.py\nnew", "there is no folder /"),
    ],
)
def test_create_refuses_what_it_would_spoil(
    texts: Any, workspace: Any, body: str, part: str
) -> None:
    workspace.write_file("here.py", b"old")
    result = CreateTool(texts).run(body, workspace)
    assert not result.ok
    assert part in result.feedback
    assert workspace.read_file("here.py") == b"old"


def test_submit_takes_a_diff_and_asks_for_a_review(texts: Any, workspace: Any) -> None:
    workspace.write_file("my fix.patch", DIFF.encode() + b"-caf\xe9\n")
    result = SubmitTool(texts).run("my fix.patch \n", workspace)
    assert result.ok
    assert result.submission == DIFF + "-caf\udce9\n"
    assert f"<submission>\n{DIFF}-caf\ufffd\n" in result.feedback


@pytest.mark.parametrize(
    ("path", "part"),
    [
        ("absent", "absent is missing"),
        (".", "missing or cannot be read"),
        ("empty", "empty is empty"),
        ("prose", "prose is no git diff"),
    ],
)
@pytest.mark.parametrize("through_shell", [False, True])
def test_submit_refuses_what_is_no_patch(
    texts: Any, workspace: Any, path: str, part: str, through_shell: bool
) -> None:
    workspace.write_file("empty", b" \n")
    workspace.write_file("prose", b"I changed it.\n")
    result = SubmitTool(texts, through_shell=through_shell).run(path, workspace)
    assert not result.ok
    assert result.submission is None
    assert part in result.feedback


def test_submit_refuses_a_patch_that_would_take_minutes_to_count(
    texts: Any, workspace: Any
) -> None:
    workspace.write_file("data.patch", DIFF.encode() + b"+0\n" * (PATCH_BYTES // 3))
    result = SubmitTool(texts).run("data.patch", workspace)
    assert (result.ok, result.submission) == (False, None)
    assert len(result.feedback) < 300
    assert f"may have {PATCH_BYTES} at most" in result.feedback


def test_published_submit_leaves_the_path_to_the_shell(texts: Any, workspace: Any) -> None:
    workspace.write_file("my fix.patch", DIFF.encode())
    tool = SubmitTool(texts, through_shell=True)
    assert not tool.run("my fix.patch", workspace).ok
    assert tool.run("my*.patch", workspace).submission == DIFF


def test_an_empty_submit_takes_the_working_tree_where_there_is_one(
    texts: Any, workspace: Any
) -> None:
    tool = SubmitTool(texts, working_diff=lambda: DIFF)
    assert tool.run("", workspace).submission == DIFF
    nothing = dataclasses.replace(tool, working_diff=lambda: "")
    assert "the working tree is empty" in nothing.run("", workspace).feedback
    assert not SubmitTool(texts).run("", workspace).ok
