"""Rows of LiveCodeBench: tests, dates, and what a row must not do to us."""

from __future__ import annotations

import base64
import json
import os
import pickle
import zlib
from pathlib import Path
from typing import Any

import pytest

from envs.contest import packed
from envs.contest.compare import same_output, same_value
from envs.contest.packed import pack, unpack
from envs.contest.rows import contest_tests, read_contest_problems
from envs.errors import RowError


def row(name: str = "a", date: str = "2024-10-01T00:00:00", **changes: Any) -> dict[str, Any]:
    tests = [{"input": "1\n", "output": "2\n", "testtype": "stdin"}]
    return {
        "question_id": name,
        "question_content": "Add one.",
        "platform": "own",
        "contest_date": date,
        "difficulty": "easy",
        "starter_code": "",
        "public_test_cases": json.dumps(tests),
        "private_test_cases": pack([{"input": "5", "output": "6", "testtype": "stdin"}]),
        "metadata": "{}",
        **changes,
    }


def write(folder: Path, *rows: dict[str, Any]) -> Path:
    path = folder / "rows.jsonl"
    path.write_text("\n" + "".join(f"{json.dumps(each)}\n" for each in rows))
    return path


def test_tests_are_read_when_they_are_wanted(tmp_path: Path) -> None:
    plain = json.dumps([{"input": "7", "output": "8", "testtype": "stdin"}])
    function = json.dumps({"func_name": "add"})
    path = write(
        tmp_path, row("a"), row("b", private_test_cases=plain, metadata=function, starter_code="x")
    )
    first, second = read_contest_problems(path)
    assert contest_tests(second).inputs == ("1\n", "7")
    assert contest_tests(first).outputs == ("2\n", "6")
    assert (first.function, second.function, second.starter) == ("", "add", "x")
    assert (first.kind, first.date, first.difficulty, first.group) == (
        "contest", "2024-10-01", "easy", "own",
    )  # fmt: skip
    assert first.key != second.key
    write(tmp_path, row("b"), row("a"))
    with pytest.raises(RowError, match="changed while"):
        contest_tests(first)


def test_windows_are_half_open(tmp_path: Path) -> None:
    dates = ("2024-07-31", "2024-08-01", "2025-04-30", "2025-05-01", "")
    path = write(tmp_path, *(row(f"p{date}", date) for date in dates))
    found = read_contest_problems(path, "2024-08-01", "2025-05-01")
    assert [problem.date for problem in found] == ["2024-08-01", "2025-04-30"]
    assert len(read_contest_problems(path)) == 5


class Attack:
    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, ("touch owned",)


def packed_as(value: object) -> str:
    return base64.b64encode(zlib.compress(pickle.dumps(value))).decode()


@pytest.mark.parametrize(
    "text",
    [
        packed_as(Attack()),
        packed_as({"a": Attack()}),
        packed_as(os.system),
        packed_as(bytearray(b"[]")),
        packed_as(7),
        packed_as("no JSON"),
        packed_as(json.dumps({"input": "1"})),
        base64.b64encode(zlib.compress(b"cos\nsystem\n(S'touch owned'\ntR.")).decode(),
        base64.b64encode(zlib.compress(b"\x80\x04P0\n.")).decode(),
        base64.b64encode(zlib.compress(b"\x80\x04.")).decode(),
        base64.b64encode(zlib.compress(pickle.dumps("[]"))[:-3]).decode(),
        base64.b64encode(b"not zlib").decode(),
        "no base64!",
        "[1]",
        "",
    ],
)
def test_private_tests_are_a_text_and_nothing_else(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(RowError):
        unpack(text)
    assert not Path("owned").exists()


def test_a_bomb_is_not_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packed, "UNPACKED_BYTES", 1000)
    assert unpack(pack([{"input": "1", "output": "1"}]))
    with pytest.raises(RowError, match="more than 1000 bytes"):
        unpack(pack([{"input": "1" * 2000, "output": "1"}]))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"metadata": "[]"}, "metadata"),
        ({"question_content": None, "metadata": "{"}, "metadata"),
    ],
)
def test_a_bad_row_is_named(tmp_path: Path, changes: dict[str, Any], said: str) -> None:
    with pytest.raises(RowError, match=rf"rows.jsonl, line 2.*{said}"):
        read_contest_problems(write(tmp_path, row("a"), row("b", **changes)))


def test_a_row_without_its_columns_is_named(tmp_path: Path) -> None:
    bad = row("b")
    del bad["private_test_cases"]
    with pytest.raises(RowError, match="line 2 lacks private_test_cases"):
        read_contest_problems(write(tmp_path, row("a"), bad))
    problem = read_contest_problems(write(tmp_path, row(public_test_cases="{}")))[0]
    with pytest.raises(RowError, match="public_test_cases"):
        contest_tests(problem)


@pytest.mark.parametrize(
    ("given", "wanted", "same"),
    [
        ("5", " 5 \n", True),
        ("5.0", "5", True),
        ("a  b", "a b", False),
        ("1  2", "1 2.0", True),
        ("50000000000000001", "50000000000000000", False),
        ("1\n\n2", "1\n2", False),
        ("1\n2\n\n", "1\n2", True),
        ("nan 1", "NaN 1", False),
        ("YES 5", "YES 5.0", False),
        ("sNaN 1", "sNaN 2", False),
    ],
)
def test_outputs(given: str, wanted: str, same: bool) -> None:
    assert same_output(given, wanted) is same


@pytest.mark.parametrize(
    ("given", "wanted", "same"),
    [
        ([1, {"tuple": [2]}], "[1, [2]]", False),
        ({"dict": [["a", 1]]}, '{"a": 1.0}', True),
        ({"int": hex(10**4000)}, "1" + "0" * 4000, True),
        ({"other": "set"}, "[]", False),
        ({"dict": [[[], 1]]}, "{}", False),
        ({"forged": 1}, '{"forged": 1}', False),
        (True, "1", True),
        ([float("nan")], "[NaN]", False),
        ([float("inf")], "[Infinity]", True),
        ("1", "1", False),
        (7, "no JSON", False),
    ],
)
def test_values(given: object, wanted: str, same: bool) -> None:
    assert same_value(given, wanted) is same
