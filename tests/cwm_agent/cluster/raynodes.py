"""Small Ray nodes on this machine, and what must not depend on where a run was worked on."""

from __future__ import annotations

import os
import signal
from typing import Any

from helpers import Batch

NODE = {
    "num_gpus": 0,
    "object_store_memory": 100 * 2**20,
    "include_dashboard": False,
}
"""A node takes little of the machine that it shares with others."""
LOCAL = ("--sandbox", "bubblewrap")


def kill(node: Any) -> None:
    """SIGKILL for the node's raylet; what it started follows by itself."""
    for process in node.all_processes["raylet"]:
        os.kill(process.process.pid, signal.SIGKILL)


def outcomes(batch: Batch, name: str) -> list[tuple[object, ...]]:
    """Of every result of a run: all that says something about the issue and the model."""
    return [
        (r.instance, r.sample, r.exit_reason, r.patch, r.resolved, r.verdict, r.turns, r.policy)
        for r in sorted(batch.results(name), key=lambda result: (result.instance, result.sample))
    ]
