"""Where a code object goes on when one of its instructions raises."""

from __future__ import annotations

from collections.abc import Iterator
from types import CodeType


def handlers(code: CodeType) -> dict[int, int]:
    """Offset of an instruction -> offset of its handler, both in bytes.

    Source of the format: Objects/exception_handling_notes.txt of CPython. Each
    entry has four numbers (start, length, target, depth and lasti) in units of
    two bytes, written in groups of six bits, the first byte of an entry marked.
    """
    found: dict[int, int] = {}
    numbers = _numbers(code.co_exceptiontable)
    for start, length, target, _ in zip(numbers, numbers, numbers, numbers, strict=True):
        for offset in range(start, start + length):
            found[2 * offset] = 2 * target
    return found


def _numbers(table: bytes) -> Iterator[int]:
    at = 0
    while at < len(table):
        number = table[at] & 63
        while table[at] & 64:
            at += 1
            number = number << 6 | table[at] & 63
        at += 1
        yield number
