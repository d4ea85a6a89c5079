"""Whether two answers are the same, by math-verify. Slow, and it may hang: see `process`.

CWM's evaluation grades by math-verify, too (commit 7930e02). Its own time limits use signals,
which only a main thread may, and are left out.
"""

from __future__ import annotations

import logging
import re
from functools import lru_cache
from importlib import metadata

KEPT_GOLDS = 256
_INTEGER = re.compile(r"[\s$]*\+?0*(\d{1,3})[\s$]*")
_MARKED = re.compile(r"\$.*(?<!\\)\$|\\\(.*\\\)|\\\[.*\\\]|\\boxed\{.*\}", re.DOTALL)


def grader_name() -> str:
    """The package that judges, with its version; raises PackageNotFoundError without it."""
    return f"math-verify {metadata.version('math-verify')}"


def same_answer(gold: str, answer: str) -> bool:
    """Whether an answer, what stood in a box, is the right one; `gold` is bare or in dollars."""
    from math_verify import parse, verify

    ours = parse(f"\\boxed{{{answer}}}", parsing_timeout=None)
    return bool(verify(list(_gold(gold)), ours, timeout_seconds=None))


def same_integer(gold: str, answer: str) -> bool:
    """The same for answers that are integers from 0 to 999; zeros may lead."""
    wanted, found = _INTEGER.fullmatch(gold), _INTEGER.fullmatch(answer)
    if wanted and found:
        return int(wanted[1]) == int(found[1])
    return same_answer(wanted[1] if wanted else gold, answer)


@lru_cache(KEPT_GOLDS)
def _gold(text: str) -> tuple[object, ...]:
    from math_verify import parse

    bare = text.strip()
    marked = _MARKED.fullmatch(bare) is not None
    return tuple(parse(bare if marked else f"${bare}$", parsing_timeout=None))


def be_quiet() -> None:
    """Keep the package from warning of every answer that it cannot read."""
    logging.getLogger("math_verify").setLevel(logging.CRITICAL)
    logging.getLogger("latex2sympy2_extended").setLevel(logging.CRITICAL)
