"""A Ray cluster of real nodes on this machine, small, and the command line beside it."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "batch"))
sys.path.insert(0, str(Path(__file__).parent))

from helpers import Batch
from raynodes import NODE


@pytest.fixture
def batch(tmp_path: Path) -> Batch:
    """The command line in a folder of its own."""
    return Batch(tmp_path)


@pytest.fixture
def cluster(batch: Batch, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A head with two slots and no GPU; nodes have the command line's own surroundings."""
    from ray.cluster_utils import Cluster

    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    for name in ("TMPDIR", "XDG_CONFIG_HOME", "PYTHONPATH"):
        monkeypatch.setenv(name, batch.environment[name])
    with tempfile.TemporaryDirectory(prefix="ray", dir="/tmp") as folder:  # sockets: short paths
        monkeypatch.setenv("RAY_TMPDIR", folder)
        head = {"num_cpus": 0, "resources": {"docker_slot": 2}, **NODE}
        found = Cluster(initialize_head=True, head_node_args=head)
        batch.environment["RAY_ADDRESS"] = found.address
        yield found
        found.shutdown()
