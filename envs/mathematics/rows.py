"""Rows of MATH-500 and of the AIME, whose columns differ from copy to copy.

Read are the first of these that a row has: unique_id, id, problem_id, problem_idx;
problem, question; answer; level, difficulty; subject, problem_type; year, date.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from envs.errors import RowError
from envs.problem.problem import Kind, Problem

IDS = ("unique_id", "id", "problem_id", "problem_idx", "ID")
STATEMENTS = ("problem", "question", "Problem")
ANSWERS = ("answer", "Answer")
DIFFICULTIES = ("level", "difficulty")
GROUPS = ("subject", "problem_type", "type")
DATES = ("date", "year", "Year")


def read_mathematics_problems(
    rows: Iterable[Mapping[str, Any]], kind: Kind, source: str
) -> list[Problem]:
    """The problems of rows; raises RowError that counts from 1."""
    found, seen = [], set[str]()
    for number, row in enumerate(rows, 1):
        place = f"{source}, row {number}"
        gold = _first(row, ANSWERS)
        statement = _first(row, STATEMENTS)
        if gold is None or not statement:
            raise RowError(f"{place} lacks {'answer' if statement else 'problem'}")
        if kind == "integer" and not _is_answer(gold):
            raise RowError(f"{place}: the answer {gold!r} is no integer from 0 to 999")
        identifier = _first(row, IDS) or str(number)
        if identifier in seen:
            raise RowError(f"{place}: the id {identifier!r} stands twice")
        seen.add(identifier)
        text = json.dumps([statement, gold], ensure_ascii=True)
        found.append(
            Problem(
                id=identifier,
                kind=kind,
                statement=statement,
                key=hashlib.sha256(text.encode()).hexdigest()[:16],
                gold=gold,
                difficulty=_first(row, DIFFICULTIES) or "",
                group=_first(row, GROUPS) or "",
                date=_first(row, DATES) or "",
            )
        )
    return found


def _first(row: Mapping[str, Any], names: Sequence[str]) -> str | None:
    """The first of the columns that is there, as a text."""
    for name in names:
        value = row.get(name)
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if value is not None and str(value).strip():
            return str(value).strip()
    return None


def _is_answer(text: str) -> bool:
    return text.isascii() and text.isdecimal() and int(text) <= 999
