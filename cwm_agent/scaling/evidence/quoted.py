"""Calls that the issue itself quotes, as tests.

An issue that quotes a call mostly says what comes out and what should. So a
call with written-out arguments is run on the unpatched code, and a change
that makes it give another value which the issue also names resolves it.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping

from cwm_agent.scaling.evidence.scripts import Script

MOST_CALLS = 8
_TITLE = "the issue's "
_START = re.compile(r"\b([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)\(")
_SCRIPT = """\
import sys
sys.path.insert(0, "")
from {module} import {name}
try:
    print(repr({call}))
except Exception as error:
    print(f"{{type(error).__name__}}: {{error}}".splitlines()[0])
"""


def quoted_calls(text: str) -> list[str]:
    """Calls of plain functions in a text whose arguments are literals, each once."""
    found: dict[str, None] = {}
    for start in _START.finditer(text):
        call = _literal_call(text[start.start() :])
        if call is not None:
            found[call] = None
    return list(found)


def issue_scripts(issue: str, functions: Mapping[str, str]) -> Iterator[Script]:
    """A test for each call of the issue; `functions` has the module of each function's name."""
    usable = [call for call in quoted_calls(issue) if _name(call) in functions]
    for call in usable[:MOST_CALLS]:
        name = _name(call)
        yield Script(
            kind="generated",
            name=f"{_TITLE}{call}",
            command="python issue_call.py",
            rule="announced",
            files={"issue_call.py": _SCRIPT.format(module=functions[name], name=name, call=call)},
            announced=tuple(values(issue, call)),
        )


def call_of(script: Script) -> str | None:
    """The call of a script of `issue_scripts`; None for another one's."""
    quoted = script.kind == "generated" and script.name.startswith(_TITLE)
    return script.name.removeprefix(_TITLE) if quoted else None


def values(issue: str, call: str) -> list[str]:
    """Python values that the issue names outside of the call, as `repr` writes them."""
    rest = issue.replace(call, " ") if call else issue
    found: dict[str, None] = {}
    for match in re.finditer(r"[\[({\"'\w+-]", rest):
        start = match.start()
        if start and (rest[start - 1].isalnum() or rest[start - 1] in "_.'\""):
            continue
        for value in _literals(rest[start : start + 300]):
            found[value] = None
    for name in re.findall(r"\b[A-Z]\w*(?:Error|Exception)\b(?::[^\n]*)?", rest):
        found[name.rstrip(" .`")] = None
    return list(found)


def _literal_call(text: str) -> str | None:
    """The call at the beginning of a text, if all its arguments are written out."""
    for end in _closings(text):
        try:
            tree = ast.parse(text[:end], mode="eval").body
        except (SyntaxError, ValueError):
            continue
        if not isinstance(tree, ast.Call) or not isinstance(tree.func, ast.Name):
            return None
        arguments = [*tree.args, *(word.value for word in tree.keywords)]
        return text[:end] if all(map(_is_literal, arguments)) else None
    return None


def _literals(text: str) -> Iterator[str]:
    """The literal that begins a text; where it is a number, the one without a full stop too."""
    ends = [match.end() for match in re.finditer(r"[\])}\"']|[\w](?![\w])", text)]
    for end in ends[:12]:
        try:
            value = ast.literal_eval(text[:end])
        except (SyntaxError, ValueError, TypeError, MemoryError, RecursionError):
            continue
        yield repr(value)
        if not isinstance(value, int | float):
            return


def _closings(text: str) -> Iterator[int]:
    for match in list(re.finditer(r"\)", text[:400]))[:12]:
        yield match.end()


def _is_literal(node: ast.expr) -> bool:
    try:
        ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return False
    return True


def _name(call: str) -> str:
    return call.partition("(")[0]
