"""The tests that need a GPU, in a process of their own, and what became of each."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).parents[3]


def run_gpu_tests(seconds: float, *options: str) -> dict[str, object]:
    """Run the tests marked gpu for at most `seconds`.

    Files that cannot be imported here, since a package is missing, are named
    under `not_collected`; they are no failures. More options go to pytest.
    """
    with tempfile.TemporaryDirectory() as folder:
        results = Path(folder) / "results.xml"
        command = [
            sys.executable, "-m", "pytest", "-q", "-m", "gpu", "tests/model",
            "--continue-on-collection-errors", "-p", "no:cacheprovider",
            f"--junitxml={results}", *options,
        ]  # fmt: skip
        try:
            # The table goes to standard output, all else to standard error.
            done = subprocess.run(command, cwd=ROOT, timeout=seconds, check=False, stdout=2)
        except subprocess.TimeoutExpired:
            return {"failed": ["not over in time"], "seconds": seconds}
        if not results.is_file():
            return {"failed": [f"pytest ended with code {done.returncode} and no results"]}
        return read_results(results)


def read_results(path: Path) -> dict[str, object]:
    """Passed and skipped (counts), failed and not collected (names) of a JUnit file."""
    passed, skipped = 0, 0
    failed, missing = [], []
    for case in ElementTree.parse(path).iter("testcase"):
        name = ".".join(filter(None, (case.get("classname"), case.get("name"))))
        error = case.find("error")
        if error is not None and "collection failure" in (error.get("message") or ""):
            missing.append(name)
        elif error is not None or case.find("failure") is not None:
            failed.append(name)
        elif case.find("skipped") is not None:
            skipped += 1
        else:
            passed += 1
    return {"passed": passed, "skipped": skipped, "failed": failed, "not_collected": missing}
