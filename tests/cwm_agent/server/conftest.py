"""One server of the bundled model for all tests of this folder."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from live import Live, live


@pytest.fixture(scope="session")
def server() -> Iterator[Live]:
    """A server in a thread of this process, its engine in a process of its own."""
    with live() as running:
        yield running
