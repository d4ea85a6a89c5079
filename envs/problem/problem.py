"""What a problem is: a text, and what an answer is graded by."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Kind = Literal["contest", "mathematics", "integer"]
"""A Python program or function; an answer of any form; an integer from 0 to 999."""


@dataclass(frozen=True, slots=True)
class RowPlace:
    """Where a row of a JSON lines file begins: tests of contest problems are too large to keep."""

    path: Path
    offset: int


@dataclass(frozen=True, slots=True)
class Problem:
    """One problem. `key` is a digest of its row: the same exactly when verdicts mean the same.

    `gold` is the right answer of a mathematics problem. Of a contest problem, `place` leads to
    the tests, `function` names what they call ("" for a program that reads standard input), and
    `starter` is the code that the answer completes. `group` is a subject, or who held the
    contest; `date` is of the form 2025-01-31, "" where nobody says.
    """

    id: str
    kind: Kind
    statement: str
    key: str
    gold: str = ""
    starter: str = ""
    function: str = ""
    place: RowPlace | None = None
    difficulty: str = ""
    group: str = ""
    date: str = ""

    @property
    def repository(self) -> str:
        """What `--repository` selects by: the group."""
        return self.group
