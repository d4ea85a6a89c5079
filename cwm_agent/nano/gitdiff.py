"""`git diff` of small texts, as git prints it; tests compare it with git itself."""

from __future__ import annotations

import difflib
import hashlib
import re
from collections.abc import Mapping

CONTEXT = 3
ABBREVIATED = 7
"""Hex digits of an object id in a small repository."""
_FUNCTION_LINE = re.compile(r"[A-Za-z_$]")
"""What git shows behind a hunk's numbers without a language driver (git-diff, "xfuncname")."""


def git_diff(old: Mapping[str, str], new: Mapping[str, str]) -> str:
    """The diff between two sets of text files, each ending in a newline; modes are 100644."""
    paths = sorted({*old, *new})
    return "".join(
        _file(path, old.get(path), new.get(path))
        for path in paths
        if old.get(path) != new.get(path)
    )


def _file(path: str, old: str | None, new: str | None) -> str:
    head = f"diff --git a/{path} b/{path}\n"
    ids = f"{_object_id(old)}..{_object_id(new)}"
    if old is None:
        head += f"new file mode 100644\nindex {ids}\n--- /dev/null\n+++ b/{path}\n"
    elif new is None:
        head += f"deleted file mode 100644\nindex {ids}\n--- a/{path}\n+++ /dev/null\n"
    else:
        head += f"index {ids} 100644\n--- a/{path}\n+++ b/{path}\n"
    before, after = lines_of(old), lines_of(new)
    return head + "".join(_hunks(before, after))


def lines_of(text: str | None) -> list[str]:
    """The lines of a text file as git and grep count them: only a newline ends one."""
    return text.removesuffix("\n").split("\n") if text else []


def _object_id(text: str | None) -> str:
    if text is None:
        return "0" * ABBREVIATED
    data = text.encode()
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()[:ABBREVIATED]


def _hunks(before: list[str], after: list[str]) -> list[str]:
    matcher = difflib.SequenceMatcher(None, before, after, autojunk=False)
    written = []
    for group in matcher.get_grouped_opcodes(CONTEXT):
        start, stop = group[0][1], group[-1][2]
        lines = [
            f"@@ -{_range(start, stop)} +{_range(group[0][3], group[-1][4])} @@"
            f"{_function(before, start)}\n"
        ]
        for tag, low, high, new_low, new_high in group:
            if tag == "equal":
                lines += [f" {line}\n" for line in before[low:high]]
                continue
            lines += [f"-{line}\n" for line in before[low:high]]
            lines += [f"+{line}\n" for line in after[new_low:new_high]]
        written.append("".join(lines))
    return written


def _range(start: int, stop: int) -> str:
    """Line numbers from 1; the count is left out when it is 1."""
    count = stop - start
    if count == 1:
        return str(start + 1)
    return f"{start + 1 if count else start},{count}"


def _function(before: list[str], start: int) -> str:
    """The last line above the hunk that begins with a letter, cut at 80 bytes."""
    for line in reversed(before[:start]):
        if _FUNCTION_LINE.match(line):
            return f" {line[:80].rstrip()}"
    return ""
