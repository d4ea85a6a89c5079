"""Fixtures of this folder; `cases` and `notebook` beside it are helpers imported by name."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from cases import Solve

BOTH = [pytest.param("docker", marks=pytest.mark.docker), "bubblewrap"]


@pytest.fixture
def solve(tmp_path: Path) -> Solve:
    """`cwm-agent solve` with a repository of its own."""
    return Solve(tmp_path)


@pytest.fixture(params=BOTH)
def sandbox(request: pytest.FixtureRequest) -> str:
    """Each kind of sandbox."""
    kind: str = request.param
    return kind
