"""Fixtures of this folder; `made` and `driving` beside it are helpers imported by name."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[2] / "scaling"))  # marks: tables of evidence

from made import three_attempts

from results.store import Run


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Three attempts at two instances."""
    return three_attempts(tmp_path / "runs")
