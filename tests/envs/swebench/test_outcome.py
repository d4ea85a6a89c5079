"""What the files of the official grader mean, made by the official grader's own functions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from envs.swebench.grader_process import classified
from envs.swebench.outcome import APPLY_FAILED, judge

from ..swebench_rows import row

START, END = ">>>>> Start Test Output", ">>>>> End Test Output"
CODE = ">>>>> Test Exit Code"
NO_PATCH = 'OCI runtime exec failed: exec: "patch": executable file not found in $PATH: unknown'


def official_report(tmp_path: Path, output: str) -> dict[str, Any]:
    from swebench.harness.grading import get_eval_report
    from swebench.harness.utils import make_test_spec

    log = tmp_path / "test_output.txt"
    log.write_text(output)
    spec = make_test_spec(row(FAIL_TO_PASS=["t.py::a"], PASS_TO_PASS=["t.py::b"]))
    prediction = {"instance_id": spec.instance_id, "model_patch": "x"}
    report: dict[str, Any] = get_eval_report(spec, prediction, str(log), True)[spec.instance_id]
    return report


@pytest.mark.parametrize(
    ("output", "outcome", "detail"),
    [
        (f"{START}\nPASSED t.py::a\nPASSED t.py::b\n{END}\n{CODE}: 0", "resolved", ""),
        (f"{START}\nPASSED t.py::a\nFAILED t.py::b\n{END}\n{CODE}: 1", "unresolved", ""),
        (f"{START}\nSKIPPED t.py::a\nPASSED t.py::b\n{END}", "unresolved", ""),
        (f"{START}\nPASSED t.py::a\n{END}\n{CODE}: 1", "unresolved", "no results that can be tr"),
        (f"{START}\nno tests ran\n{END}", "unresolved", "no_tests_collected"),
        (f"{START}\nCannot allocate memory\n{END}", "infrastructure", "out_of_memory"),
    ],
)  # fmt: skip
def test_the_official_report_decides(
    tmp_path: Path, output: str, outcome: str, detail: str
) -> None:
    judged = judge(official_report(tmp_path, output), tmp_path, "")
    assert judged.outcome == outcome
    assert judged.verdict.resolved is (outcome == "resolved")
    assert detail in judged.verdict.detail


def test_each_test_is_kept_with_its_result(tmp_path: Path) -> None:
    output = f"{START}\nPASSED t.py::a\nFAILED t.py::b\n{END}"
    verdict = judge(official_report(tmp_path, output), tmp_path, "").verdict
    assert (verdict.fail_to_pass, verdict.pass_to_pass) == ({"t.py::a": True}, {"t.py::b": False})


LATIN = "'utf-8' codec can't decode byte 0xe9 in position 121: invalid continuation byte"


@pytest.mark.parametrize(
    ("log", "detail", "outcome", "said"),
    [
        (f"x - INFO - {APPLY_FAILED}:\nerror: patch failed", "", "not_applied", "does not apply"),
        (f"{APPLY_FAILED}:\n\npatch: **** Only garbage\n", "", "not_applied", "Only garbage"),
        (f"{APPLY_FAILED}:\n{NO_PATCH}", "", "not_applied", "the image lacks the program `patch`"),
        ("EvaluationError: Test timed out after 5 seconds.", "", "timeout", "after 5 seconds"),
        (f"x - ERROR - Error in evaluating i: {LATIN}", "", "not_applied", "only text in"),
        ("x - ERROR - Error creating container: gone", "", "infrastructure", "creating container"),
        ("", "APIError: busy", "infrastructure", "APIError: busy"),
        (None, "", "infrastructure", "no report was written"),
    ],
)  # fmt: skip
def test_without_a_report_the_log_says_why(
    tmp_path: Path, log: str | None, detail: str, outcome: str, said: str
) -> None:
    if log is not None:
        (tmp_path / "run_instance.log").write_text(log)
    judged = judge(None, tmp_path, detail)
    assert (judged.outcome, judged.verdict.resolved) == (outcome, False)
    assert said in judged.verdict.detail


@pytest.mark.parametrize(
    ("output", "failure"),
    [
        ("ModuleNotFoundError: No module named 'x'\nFAILED t.py::a", ("missing_module", False)),
        ("collected 0 items", ("no_tests_collected", False)),
        ("Timeout error: 5 seconds exceeded.", ("tests_timed_out", False)),
        ("Could not resolve host: pypi.org\nFAILED t.py::a", ("network_unreachable", True)),
        ("FAILED t.py::a", ("", False)),
    ],
)
def test_the_official_kinds_of_failure_are_kept(
    tmp_path: Path, output: str, failure: tuple[str, bool]
) -> None:
    (tmp_path / "test_output.txt").write_text(output)
    assert classified(tmp_path) == failure


def test_our_marks_are_those_of_the_package() -> None:
    from swebench.harness import constants

    assert constants.APPLY_PATCH_FAIL == APPLY_FAILED
