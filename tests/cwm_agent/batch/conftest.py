"""Fixtures of this folder; `helpers` beside it is imported by name."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from helpers import Batch


@pytest.fixture
def batch(tmp_path: Path) -> Batch:
    """The command line in a folder of its own."""
    return Batch(tmp_path)
