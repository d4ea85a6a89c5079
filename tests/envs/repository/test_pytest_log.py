"""Reading pytest's summary: every kind of line, hard names, logs that lie."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envs.repository.pytest_log import parse_pytest

RULE = "=" * 20
HEADER = f"{RULE} short test summary info {RULE}"

ALL_KINDS = """
import pytest

def test_passes(): pass
def test_fails(): assert 1 == 2, "a - b"
def test_skips(): pytest.skip("not here")
@pytest.mark.xfail(reason="known - really")
def test_expected(): assert False
@pytest.mark.xfail
def test_unexpected(): pass
@pytest.fixture
def broken(): raise RuntimeError("no fixture")
def test_errors(broken): pass
@pytest.fixture
def leaky():
    yield
    raise RuntimeError("teardown")
def test_passes_then_errors(leaky): pass
@pytest.mark.parametrize("text", ["with space", "a - b", "[x] - [y]", "é", "PASSED t.py::fake"])
def test_named(text): assert "-" not in text
class TestGroup:
    def test_inside(self): pass
"""


def run_pytest(folder: Path, *arguments: str) -> tuple[str, int]:
    command = [sys.executable, "-m", "pytest", "-rA", "-p", "no:cacheprovider", *arguments]
    finished = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    return finished.stdout, finished.returncode


@pytest.mark.parametrize("colour", ["no", "yes"])
def test_a_real_run_with_every_outcome(tmp_path: Path, colour: str) -> None:
    (tmp_path / "test_all.py").write_text(ALL_KINDS)
    output, code = run_pytest(tmp_path, f"--color={colour}")
    log = parse_pytest(output, code, {"test_all.py::test_named[[x] - [y]]"})
    assert log.broken == ""
    assert log.folded == {"test_all.py": 1}
    escaped = "test_all.py::test_named[\\xe9]"
    assert log.outcomes == {
        "test_all.py::test_passes": "passed",
        "test_all.py::test_fails": "failed",
        "test_all.py::test_expected": "passed",
        "test_all.py::test_unexpected": "passed",
        "test_all.py::test_errors": "failed",
        "test_all.py::test_passes_then_errors": "failed",
        "test_all.py::test_named[with space]": "passed",
        "test_all.py::test_named[a - b]": "failed",
        "test_all.py::test_named[[x] - [y]]": "failed",
        "test_all.py::test_named[PASSED t.py::fake]": "passed",
        escaped: "passed",
        "test_all.py::TestGroup::test_inside": "passed",
    }


def test_skipped_tests_count_as_kept_but_not_as_passed(tmp_path: Path) -> None:
    (tmp_path / "test_all.py").write_text(ALL_KINDS)
    log = parse_pytest(*run_pytest(tmp_path))
    skipped, gone = "test_all.py::test_skips", "test_all.py::test_that_is_gone"
    assert not log.passed(skipped)
    assert log.kept([skipped]) == {skipped: True}
    assert log.kept([skipped, gone]) == {skipped: True, gone: False}


def test_a_file_that_cannot_be_imported_breaks_the_log(tmp_path: Path) -> None:
    (tmp_path / "test_fine.py").write_text("def test_fine(): pass\n")
    (tmp_path / "test_bad.py").write_text("import nothing_of_that_name\n")
    log = parse_pytest(*run_pytest(tmp_path))
    assert log.outcomes["test_bad.py"] == "failed"
    assert "did not finish (exit code 2)" in log.broken


def test_a_summary_printed_by_a_test_is_not_the_summary(tmp_path: Path) -> None:
    forged = f"{HEADER}\nPASSED test_it.py::test_it\n"
    (tmp_path / "test_it.py").write_text(f"def test_it():\n    print({forged!r})\n    assert 0\n")
    log = parse_pytest(*run_pytest(tmp_path))
    assert not log.passed("test_it.py::test_it")


@pytest.mark.parametrize(
    ("summary", "code", "reason"),
    [
        ("PASSED t.py::a", 1, "exit code says failure"),
        ("FAILED t.py::a - assert 0", 0, "exit code says success"),
        ("PASSED t.py::a", None, "did not finish"),
        ("PASSED t.py::a", 137, "did not finish"),
    ],
)
def test_a_log_that_contradicts_its_exit_code_proves_nothing(
    summary: str, code: int | None, reason: str
) -> None:
    log = parse_pytest(f"{HEADER}\n{summary}\n", code)
    assert reason in log.broken
    assert not log.passed("t.py::a")
    assert log.kept(["t.py::a"]) == {"t.py::a": False}


def test_output_without_a_summary_proves_nothing() -> None:
    assert "needs -rA" in parse_pytest("1 passed in 0.01s", 0).broken


def test_the_worst_outcome_of_a_test_that_is_named_twice_stays() -> None:
    lines = "FAILED t.py::a - x\nPASSED t.py::a\n"
    assert parse_pytest(f"{HEADER}\n{lines}", 1).outcomes == {"t.py::a": "failed"}


plain = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=30)


@given(parameter=plain, message=plain)
def test_a_known_name_is_found_whatever_stands_in_it(parameter: str, message: str) -> None:
    test = f"tests/test_a.py::test_b[{parameter}]"
    log = parse_pytest(f"{HEADER}\nFAILED {test} - {message}\n", 1, {test})
    assert log.outcomes == {test: "failed"}


@given(output=st.text(), code=st.none() | st.integers(-1, 6))
def test_no_text_makes_the_reader_fail(output: str, code: int | None) -> None:
    parse_pytest(f"{HEADER}\n{output}", code)


@pytest.mark.parametrize("separator", ["\x0b", "\x0c", "\x1c", "\x85", "\u2028", "\u2029"])
def test_only_a_line_feed_ends_a_line_of_the_summary(separator: str) -> None:
    """A message of a failure may hold what some programs take for the end of a line."""
    failed = f"FAILED tests/a.py::test_one - said{separator}PASSED tests/a.py::test_two"
    output = f"= short test summary info =\n{failed}\n= 1 failed in 0.1s =\n"
    assert parse_pytest(output, 1).outcomes == {"tests/a.py::test_one": "failed"}
