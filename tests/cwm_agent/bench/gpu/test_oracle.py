"""Tests as parts: what became of each case, and which one it was when the process ended."""

from __future__ import annotations

from pathlib import Path

import pytest

from cwm_agent.bench.gpu.conductor import check
from cwm_agent.bench.gpu.report import Report
from cwm_agent.bench.gpu.task import Part, Pass, Settings

FILES = {
    "test_good": "import pytest\n"
    "@pytest.mark.parametrize('n', [1, 2])\ndef test_it(n): pass\n"
    "@pytest.mark.skip\ndef test_not(): pass\n",
    "test_bad": "def test_it(): assert 1 == 2\n",
    "test_ends": "import os\ndef test_fine(): pass\ndef test_it(): os.abort()\n",
    "test_lacks": "import a_package_that_is_not_here\n",
    "test_broken": "1 / 0\n",
}


@pytest.mark.slow
def test_what_became_of_each_test(tmp_path: Path) -> None:
    """A file whose packages are missing is no failure, one that is broken is."""
    parts = []
    for name, text in FILES.items():
        path = tmp_path / f"{name}.py"
        path.write_text(text)
        target = "cwm_agent.bench.gpu.proof.oracle:run_test"
        parts.append(Part(name, target, 0, 60, arguments={"test": str(path)}, again=False))
    report = Report("nano", "cpu")
    settings = Settings("cpu", "nano", 280, tmp_path / "report.json", processes=2)
    check(settings, [Pass("proof", tuple(parts), crowd=True)], report)
    outcomes = {name: part["outcome"] for name, part in report.run["parts"].items()}
    assert outcomes == {
        "test_good": "done", "test_bad": "failed", "test_ends": "crashed", "test_lacks": "done",
        "test_broken": "failed",
    }  # fmt: skip
    tests = {name.rpartition("/")[2]: outcome for name, outcome in report.tests.items()}
    assert tests["test_good.py::test_it[1]"] == tests["test_good.py::test_it[2]"] == "passed"
    assert tests["test_good.py::test_not"] == "skipped"
    assert tests["test_ends.py::test_fine"] == "passed"
    assert tests["test_lacks.py"].startswith("not collected: ModuleNotFoundError")
    assert "assert 1 == 2" in report.failures["test_bad"]["error"]
    ended = report.failures["test_ends"]
    assert (ended["kernel"], ended["shape"]) == ("test_it", "test_ends.py")
    assert "SIGABRT" in ended["error"]
    assert "ZeroDivisionError" in report.failures["test_broken"]["error"]
