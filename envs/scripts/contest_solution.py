"""A solution to a contest problem, run as LiveCodeBench's own checker runs one.

Facts from `lcb_runner/evaluation/testing_util.py` at commit 28fef95, quirks
included, since published scores rest on them:

- a program becomes the body of a function (its imports stay outside), in a
  module that is not `__main__`; a final `if __name__ == "__main__"` is opened;
- the names of many standard modules are there without an import;
- `sys.stdin` is an object in memory: `read` and `readlines` begin anew each time,
  its `buffer` only knows the first line, iteration is missing;
- a `stdin` that was taken from `sys` while the solution was loaded is another one, whose
  `readline` gives lines without their ends, and StopIteration after the last;
- standard output is a text in memory, without a `buffer`, and cannot be closed;
- leaving by `SystemExit` is no failure, any other exception is one;
- a function is looked up in `Solution()`, or in the module where the code has no such
  class; a line of the input is an argument in JSON. A program that mentions such a class
  fails, for it is looked up outside of its function, too.

It runs in a sandbox with the standard library alone.
"""

from __future__ import annotations

import ast
import builtins
import io
import json
import numbers
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

STARRED = (
    "string", "re", "datetime", "collections", "heapq", "bisect", "copy", "math", "random",
    "statistics", "itertools", "functools", "operator", "io", "sys", "json", "builtins", "typing",
)  # fmt: skip
IMPORTED = STARRED[:-2]
RECURSION_LIMIT = 50_000
DIGITS = 50_000
WITHOUT_MODULES = ("ipdb", "joblib", "resource", "psutil", "tkinter")
WITHOUT_CALLS = (
    "kill", "system", "putenv", "remove", "removedirs", "rmdir", "fchdir", "setuid", "fork",
    "forkpty", "killpg", "rename", "renames", "truncate", "replace", "unlink", "fchmod", "fchown",
    "chmod", "chown", "chroot", "lchown", "getcwd", "chdir",
)  # fmt: skip
LONG_INT = 10_000
"""Bits from which a number travels in hexadecimal digits, of which Python allows any number."""

PRELUDE = "".join(
    [f"from {name} import *\n" for name in STARRED]
    + [f"import {name}\n" for name in IMPORTED]
    + [f"sys.setrecursionlimit({RECURSION_LIMIT})\n"]
)


class OutputFull(BaseException):
    """The solution printed more than it may; a solution does not catch it by accident."""


class Printed(io.StringIO):
    """Standard output; `room` is shared by all tests of a solution."""

    def __init__(self, room: list[int]) -> None:
        super().__init__()
        self.room = room

    def write(self, text: str) -> int:
        """Take what is printed, as long as there is room."""
        self.room[0] -= len(text)
        if self.room[0] < 0:
            raise OutputFull
        return super().write(text)

    def close(self, _: object) -> None:  # type: ignore[override]
        """As the checker has it: nobody calls it like this, so that closing raises TypeError."""


class Buffer:
    """What `sys.stdin.buffer` is: it always begins anew."""

    def __init__(self, text: str) -> None:
        self._data = text.encode()

    def read(self, *_: int) -> bytes:
        """All of it."""
        return self._data

    def readline(self, *_: int) -> bytes:
        """The first line."""
        return self._data.split(b"\n")[0] + b"\n"


class Input:
    """What `sys.stdin` is while a program runs."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._file = io.StringIO(text)
        self.buffer = Buffer(text)

    def read(self, *_: int) -> str:
        """All of it."""
        return self._text

    def readlines(self, *_: int) -> list[str]:
        """All lines without their ends."""
        return self._text.split("\n")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


def lend(file: Any, text: str) -> None:
    """Give the input to the file that `sys.stdin` was while the solution was loaded."""
    lines = iter(text.split("\n"))
    file.read = lambda *_: text
    file.readline = lambda *_: next(lines)
    file.readlines = lambda *_: text.split("\n")


def guard() -> None:
    """What a solution finds missing."""
    for owner, names in (
        (os, WITHOUT_CALLS),
        (shutil, ("rmtree", "move", "chown")),
        (subprocess, ("Popen",)),
        (builtins, ("quit",)),
    ):
        for name in names:
            setattr(owner, name, None)
    sys.modules.update(dict.fromkeys(WITHOUT_MODULES))  # type: ignore[arg-type]
    sys.set_int_max_str_digits(DIGITS)


def load(code: str, function: str) -> Callable[..., object]:
    """Compile and load; returns what is called for each test. Raises what the code raises."""
    module = ModuleType("tmp_sol", "")
    text = f"{PRELUDE}\n\n{code}" if function else _as_function(code)
    # Without `dont_inherit` it would be compiled as if it began with this file's `__future__`.
    exec(compile(text, "<string>", "exec", dont_inherit=True), module.__dict__)
    owner = module.Solution() if "class Solution" in text else module
    return getattr(owner, function or "wrapped_function")  # type: ignore[no-any-return]


def run_program(called: Callable[..., object], text: str, room: list[int]) -> str:
    """What a program prints for an input."""
    printed = Printed(room)
    before = sys.stdin, sys.stdout
    lend(sys.stdin, text)
    sys.stdin, sys.stdout = Input(text), printed
    try:
        called()
    except SystemExit:
        pass
    finally:
        sys.stdin, sys.stdout = before
    return printed.getvalue()


def run_function(called: Callable[..., object], arguments: list[Any]) -> object:
    """What a function returns, as `plain` has it; a tuple counts as a list."""
    value = called(*arguments)
    return plain(list(value) if isinstance(value, tuple) else value)


def arguments_of(text: str) -> list[Any]:
    """The arguments of a test, a line each."""
    return [json.loads(line) for line in text.split("\n")]


def plain(value: Any) -> object:
    """The value in JSON; what JSON lacks is an object with one key that names it."""
    if (
        type(value).__module__ == "numpy"
        and hasattr(value, "item")
        and not getattr(value, "ndim", 1)
    ):
        value = value.item()
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, int):
        return int(value) if value.bit_length() < LONG_INT else {"int": hex(value)}
    if isinstance(value, float):
        return float(value)
    if isinstance(value, tuple):
        return {"tuple": [plain(item) for item in value]}
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {"dict": [[plain(key), plain(item)] for key, item in value.items()]}
    return _number(value) if isinstance(value, numbers.Number) else {"other": type(value).__name__}


def _number(value: Any) -> object:
    """The number of JSON that is equal to one of another kind, if there is one."""
    if isinstance(value, complex):
        return value.real if value.imag == 0 else {"other": "complex"}
    for kind in (int, float):
        try:
            if (same := kind(value)) == value:
                return plain(same)
        except (ValueError, OverflowError, ArithmeticError):
            continue
    return {"other": type(value).__name__}


def _as_function(code: str) -> str:
    try:
        tree = ast.parse(_without_main(code))
    except Exception:  # noqa: BLE001 - loading it says what is wrong
        return code
    outside: list[ast.stmt] = []
    inside: list[ast.stmt] = []
    for node in tree.body:
        (outside if isinstance(node, ast.Import | ast.ImportFrom) else inside).append(node)
    wrapped = ast.parse("def wrapped_function(): pass")
    assert isinstance(wrapped.body[0], ast.FunctionDef)
    wrapped.body[0].body = inside
    return "\n".join((PRELUDE, ast.unparse(ast.Module(outside, [])), ast.unparse(wrapped)))


def _without_main(code: str) -> str:
    """The code with the body of a last `if __name__ == '__main__'` in its place."""
    try:
        body = ast.parse(code).body
        last = body[-1]
        if isinstance(last, ast.If) and ast.unparse(last.test) == "__name__ == '__main__'":
            return "\n".join(ast.unparse(ast.Module(part, [])) for part in (body[:-1], last.body))
    except Exception:  # noqa: BLE001 - loading it says what is wrong
        pass
    return code
