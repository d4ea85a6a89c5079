"""Rows of LiveCodeBench (livecodebench/code_generation_lite), JSON lines.

Columns read: question_id, question_title, question_content, platform, contest_date,
difficulty, starter_code, public_test_cases, private_test_cases, metadata.
Tests are decoded when they are wanted: those of the whole set take gigabytes.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from envs.contest.packed import unpack
from envs.errors import RowError
from envs.problem.problem import Problem, RowPlace

WANTED = ("question_id", "question_content", "public_test_cases", "private_test_cases")


@dataclass(frozen=True, slots=True)
class ContestTests:
    """What goes in and what is to come out, test by test; the public tests are the first."""

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]


def read_contest_problems(path: Path, begin: str = "", end: str = "") -> list[Problem]:
    """The problems of a file held from `begin` on and before `end` ("" without a bound).

    Raises RowError that names the line, OSError where the file cannot be read.
    """
    found = []
    for number, (offset, line) in enumerate(_lines(path), 1):
        place = f"{path.name}, line {number}"
        row = _row(line, place)
        date = str(row.get("contest_date") or "")[:10]
        if (not begin or date >= begin) and (not end or (date and date < end)):
            key = hashlib.sha256(line.strip()).hexdigest()[:16]
            found.append(_problem(row, key, RowPlace(path, offset), date, place))
    return found


def contest_tests(problem: Problem) -> ContestTests:
    """The tests of a problem, read from its row; raises RowError."""
    place = problem.place
    if place is None:
        raise RowError(f"{problem.id} has no tests: it is not of a file of contest problems")
    try:
        with place.path.open("rb") as file:
            file.seek(place.offset)
            row = _row(file.readline(), problem.id)
    except OSError as error:
        raise RowError(f"cannot read {place.path}: {error.strerror}") from error
    if str(row["question_id"]) != problem.id:
        raise RowError(f"{place.path} was changed while it was used; run the command again")
    tests = [*_public(row, problem.id), *unpack(str(row["private_test_cases"]))]
    if not tests:
        raise RowError(f"{problem.id} has no tests")
    try:
        return ContestTests(
            tuple(str(test["input"]) for test in tests),
            tuple(str(test["output"]) for test in tests),
        )
    except KeyError as error:
        raise RowError(f"{problem.id}: a test lacks {error}") from error


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    offset = 0
    with path.open("rb") as file:
        for line in file:
            if line.strip():
                yield offset, line
            offset += len(line)


def _row(line: bytes, place: str) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except ValueError as error:
        raise RowError(f"{place} is not valid JSON: {error}") from error
    if not isinstance(row, dict):
        raise RowError(f"{place} is not an object")
    if missing := [name for name in WANTED if name not in row]:
        raise RowError(
            f"{place} lacks {', '.join(missing)}; rows have the columns of "
            "livecodebench/code_generation_lite"
        )
    return row


def _problem(row: Mapping[str, Any], key: str, where: RowPlace, date: str, place: str) -> Problem:
    return Problem(
        id=str(row["question_id"]),
        kind="contest",
        statement=str(row["question_content"]),
        key=key,
        starter=str(row.get("starter_code") or ""),
        function=_function(row, place),
        place=where,
        difficulty=str(row.get("difficulty") or ""),
        group=str(row.get("platform") or ""),
        date=date,
    )


def _function(row: Mapping[str, Any], place: str) -> str:
    """The name that the checker calls; "" where the solution is a program."""
    try:
        metadata = json.loads(row.get("metadata") or "{}")
        return str(metadata.get("func_name") or "")
    except (ValueError, AttributeError, TypeError) as error:
        raise RowError(f"{place}: metadata must be a JSON object as a text") from error


def _public(row: Mapping[str, Any], place: str) -> list[dict[str, Any]]:
    try:
        tests = json.loads(row["public_test_cases"])
    except (ValueError, TypeError) as error:
        raise RowError(f"{place}: public_test_cases must be a JSON list as a text") from error
    if not isinstance(tests, list) or not all(isinstance(test, dict) for test in tests):
        raise RowError(f"{place}: public_test_cases must be a list of tests")
    return tests
