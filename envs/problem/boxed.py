r"""Answers in `\boxed{...}`."""

from __future__ import annotations

from envs.problem.answer import Found

MARKS = ("\\boxed{", "\\fbox{")


def boxed_answers(text: str) -> Found:
    """The contents of each box, braces paired; a box inside a box is part of the outer one."""
    found = []
    place = 0
    while (inside := _next(text, place)) is not None:
        end = _closing(text, inside)
        if end is not None:  # else cut off in the middle
            found.append(text[inside:end])
        place = inside if end is None else end + 1
    return Found(found)


def _next(text: str, place: int) -> int | None:
    """Where the inside of the next box begins."""
    found = [at + len(mark) for mark in MARKS if (at := text.find(mark, place)) >= 0]
    return min(found, default=None)


def _closing(text: str, place: int) -> int | None:
    depth, escaped = 1, False
    for at in range(place, len(text)):
        letter = text[at]
        if escaped:
            escaped = False
        elif letter == "\\":
            escaped = True
        elif letter in "{}":
            depth += 1 if letter == "{" else -1
            if depth == 0:
                return at
    return None
