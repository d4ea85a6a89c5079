"""One test marked gpu, and what became of each of its cases."""

from __future__ import annotations

from pathlib import Path

import pytest

from cwm_agent.bench.gpu.events import Recorder
from cwm_agent.bench.gpu.measure.bench import Bench


class Outcomes:
    """A plugin of pytest: tells each test before it begins, and how it ended.

    A file that cannot be imported here, since a package is missing, is no failure.
    """

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self.failed: list[str] = []

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """See pytest."""
        name, _, case = nodeid.partition("::")
        self._recorder.at(case, Path(name).name)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """See pytest."""
        if report.failed:
            self.failed.append(f"{report.nodeid}: {_last_line(report.longreprtext)}")
        if report.when == "call" or not report.passed:
            self._recorder.tell("test", name=report.nodeid, outcome=report.outcome)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """See pytest."""
        if report.failed:
            why = _last_line(report.longreprtext)
            self._recorder.tell("test", name=report.nodeid, outcome=f"not collected: {why}")
            if "ModuleNotFoundError" not in why and "ImportError" not in why:
                self.failed.append(f"{report.nodeid}: {why}")


def run_test(bench: Bench) -> None:
    """Run the test that the task names; raises AssertionError when a case of it failed."""
    outcomes = Outcomes(bench.report)
    options = ["-q", "-p", "no:cacheprovider", "--tb=short"]
    pytest.main([*options, bench.task.arguments["test"]], plugins=[outcomes])
    if outcomes.failed:
        raise AssertionError("; ".join(outcomes.failed))


def _last_line(text: str) -> str:
    """The line that names the exception: the last one that pytest marks with an E."""
    lines = [line[1:].strip() for line in text.splitlines() if line.startswith("E ")]
    return (lines or text.splitlines() or [""])[-1][:300]
