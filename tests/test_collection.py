"""Every process that collects the tests names them alike, or parallel workers refuse to start."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
COLLECT = ["-m", "pytest", "tests", "--collect-only", "-q", "-p", "no:cacheprovider"]


def collected(hash_seed: str) -> list[str]:
    """The names of all tests; a later call is also a later time of day."""
    done = subprocess.run(
        [sys.executable, *COLLECT],
        cwd=ROOT,
        env=os.environ | {"PYTHONHASHSEED": hash_seed},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return [line for line in done.stdout.splitlines() if "::" in line]


@pytest.mark.slow
def test_the_names_hang_neither_on_the_clock_nor_on_the_hash_seed() -> None:
    first = collected("1")

    assert len(first) > 1000
    assert collected("2") == first
