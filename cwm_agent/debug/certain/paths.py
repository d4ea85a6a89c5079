"""The instructions that may run between two frames of one function, and what they store."""

from __future__ import annotations

import dis
from collections.abc import Callable, Collection, Iterator
from functools import lru_cache
from types import CodeType

from cwm_agent.debug.legal.flow import Flow

Ends = Callable[[int], bool]
"""Whether the path may end at (right after) an instruction."""


def between(
    flow: Flow, start: Collection[int], ends: Ends, without: Collection[int] = ()
) -> frozenset[int]:
    """Instructions on some way from `start` to an end, within one line; `without` is not passed."""
    after = _within_line(flow, start, without)
    before: dict[int, set[int]] = {offset: set() for offset in after}
    for offset, following in after.items():
        for one in following:
            before[one].add(offset)
    waiting = [offset for offset in after if ends(offset)]
    found = set(waiting)
    while waiting:
        for one in before[waiting.pop()]:
            if one not in found:
                found.add(one)
                waiting.append(one)
    return frozenset(found)


def _within_line(
    flow: Flow, start: Collection[int], without: Collection[int]
) -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    waiting = [one for one in start if one not in without]
    while waiting:
        here = waiting.pop()
        if here in found:
            continue
        found[here] = [
            to
            for to in flow.followers(here)
            if not flow.begins_line(here, to) and to not in without
        ]
        waiting.extend(found[here])
    return found


def to_line(flow: Flow, line: int) -> Ends:
    """Ends where that line begins."""
    return lambda offset: any(
        flow.begins_line(offset, to) and flow.instructions[to].line == line
        for to in flow.followers(offset)
    )


def stored(flow: Flow, offsets: Collection[int]) -> dict[str, set[int]]:
    """Name -> instructions among these that give it a value."""
    found: dict[str, set[int]] = {}
    for offset in offsets:
        one = flow.instructions[offset]
        if one.variable and one.name in ("STORE_FAST", "STORE_DEREF"):
            found.setdefault(one.variable, set()).add(offset)
    return found


def unbinds(flow: Flow, offsets: Collection[int]) -> bool:
    """Whether one of these takes a name away, or stores in a way that is not followed."""
    names = (flow.instructions[offset].name for offset in offsets)
    return any(name.startswith("DELETE_") or name == "LOAD_FAST_AND_CLEAR" for name in names)


@lru_cache(1024)
def plain_returns(code: CodeType) -> frozenset[int]:
    """Return instructions that give None because the text ends there."""
    found, none = set(), False
    for one in dis.get_instructions(code):
        if one.opname == "RETURN_VALUE" and none and not one.is_jump_target:
            found.add(one.offset)
        if one.opname == "RETURN_CONST" and one.argval is None:
            found.add(one.offset)
        none = one.opname == "LOAD_CONST" and one.argval is None
    return frozenset(found)


@lru_cache(1024)
def shared_names(code: CodeType) -> frozenset[str]:
    """Variables of a function that another one may bind."""
    inner = {name for one in _inside(code) for name in _rebound(one)}
    return frozenset({*code.co_freevars, *(inner & set(code.co_cellvars))})


def _inside(code: CodeType) -> Iterator[CodeType]:
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield constant
            yield from _inside(constant)


def _rebound(code: CodeType) -> Iterator[str]:
    for one in dis.get_instructions(code):
        if one.opname in ("STORE_DEREF", "DELETE_DEREF") and one.argval in code.co_freevars:
            yield one.argval
