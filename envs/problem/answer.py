"""Where the answer stands in a reply: by the published rule, else as far as one can be found.

The published rule (CWM's environments at commit 7930e02) wants exactly one end
of thinking, and after it exactly one block of Python or one boxed answer. A
reply that breaks it has failed. What such a reply seems to answer is found all
the same and counted apart.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tools.parsing import THINK_END


@dataclass(frozen=True, slots=True)
class Answer:
    """`text` "" means that there is none. `why` says what the reply lacks, "" if it is strict."""

    text: str
    strict: bool
    why: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """What a text holds, in its order: what the rule counts, what may stand in, what is cut off."""

    counted: Sequence[str]
    others: Sequence[str] = ()
    cut: Sequence[str] = ()


Find = Callable[[str], Found]


def answer_in(reply: str, find: Find, *, thinking: bool, what: str) -> Answer:
    """The answer of a reply. `what` names a candidate, for `why`.

    Without an end of thinking the whole reply is looked through, else what follows the last.
    """
    marks = reply.count(THINK_END) if thinking else 1
    text = reply.split(THINK_END)[-1] if thinking else reply
    found = find(text)
    wanted = found.counted or found.others
    last = (wanted or found.cut or [""])[-1].strip()
    if marks != 1:
        return Answer(last, False, f"{marks} ends of thinking, not one")
    if len(wanted) != 1:
        return Answer(last, False, f"{len(wanted)} {what}s, not one")
    return Answer(last, bool(last), "" if last else f"the {what} is empty")
