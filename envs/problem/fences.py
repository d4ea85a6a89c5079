"""Fenced blocks of code in Markdown."""

from __future__ import annotations

import re

from envs.problem.answer import Found

PYTHON = ("python", "py", "python3")
_FENCE = re.compile(r"^[ \t]*(?P<ticks>`{3,}|~{3,})[ \t]*(?P<language>[^`\n]*?)[ \t]*$")


def code_blocks(text: str) -> Found:
    """The blocks marked as Python count; a single one without a mark, or another, may stand in.

    A block that the text leaves open is cut off.
    """
    counted: list[str] = []
    others: list[str] = []
    body: list[str] | None = None
    fence = language = ""
    for line in text.split("\n"):
        match = _FENCE.match(line)
        if body is None:
            if match:
                body, fence, language = [], match["ticks"], match["language"].lower()
        elif match and not match["language"] and match["ticks"].startswith(fence):
            (counted if _is_python(language) else others).append("\n".join(body))
            body = None
        else:
            body.append(line)
    return Found(counted, others, () if body is None else ["\n".join(body)])


def _is_python(language: str) -> bool:
    return language.split(" ")[0].strip("{}.") in PYTHON
