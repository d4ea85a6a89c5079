"""Cutting text to a number of tokens."""

from __future__ import annotations

from collections.abc import Callable

from envs.environment import Meter

MARK = "[...]"


def keep_head(text: str, tokens: int, meter: Meter) -> str:
    """`text`, or its beginning and a mark, in at most `tokens` tokens."""
    return _shrink(
        text, tokens, meter, meter.count(MARK), lambda room: meter.head(text, room) + MARK
    )


def keep_tail(text: str, tokens: int, meter: Meter) -> str:
    """`text`, or a mark and its ending, in at most `tokens` tokens."""
    return _shrink(
        text, tokens, meter, meter.count(MARK), lambda room: MARK + meter.tail(text, room)
    )


def keep_both_ends(text: str, tokens: int, meter: Meter, note: str) -> str:
    """`text`, or its beginning, `note` on its own line, and its ending, in at most `tokens`."""
    gap = f"\n{note}\n"

    def cut(room: int) -> str:
        return meter.head(text, room - room // 2) + gap + meter.tail(text, room // 2)

    return _shrink(text, tokens, meter, meter.count(gap), cut)


def _shrink(text: str, tokens: int, meter: Meter, overhead: int, cut: Callable[[int], str]) -> str:
    """Call `cut` with less and less room until its result fits.

    Token counts do not add up exactly where pieces are joined, so the first
    try may be over by a few.
    """
    if meter.count(text) <= tokens:
        return text
    room = tokens - overhead
    while room > 0:
        result = cut(room)
        excess = meter.count(result) - tokens
        if excess <= 0:
            return result
        room -= excess
    return meter.head(text, max(0, tokens))
