"""A look at each node before and after a run: is it one of ours, and what did dead processes leave.

Sandboxes end with the process that made them, wherever it dies; what stays
(folders, exited containers, control groups) is removed by the node itself,
because only it can tell whose owner is gone (see envs.sandbox.owner.is_gone).
"""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cwm_agent import __version__
from cwm_agent.cluster.connect import import_ray, slot_nodes
from cwm_agent.errors import NotReadyError
from envs.cleanup import sweep

SECONDS = 60.0
"""How long a node may take to answer: the first time it starts a process for it."""


@dataclass(frozen=True, slots=True)
class NodeReport:
    """What one node says of itself."""

    name: str
    version: str
    sees_run: bool
    removed: tuple[str, ...] = ()


def look(file: Path, digest: str) -> NodeReport:
    """On the node: compare version and shared storage, remove orphans."""
    try:
        sees = digest_of(file) == digest
    except OSError:
        sees = False
    removed = tuple(f"{orphan.kind} {orphan.name}" for orphan in sweep())
    return NodeReport(platform.node(), __version__, sees, removed)


def digest_of(file: Path) -> str:
    """Which contents a file has."""
    return hashlib.sha256(file.read_bytes()).hexdigest()


def visit_nodes(file: Path, say: Callable[[str], None]) -> None:
    """Look at every node that holds sandboxes, before a run.

    `file` is one of the run. Raises NotReadyError for a node with another
    version of this package, or one that does not see the run's folder.
    """
    ray = import_ray()
    asked = _ask_all(file)
    done, late = ray.wait(list(asked), num_returns=len(asked), timeout=SECONDS)
    for ref in late:
        say(f"node {asked[ref]} does not answer; its orphans remain")
    for ref in done:
        try:
            report: NodeReport = ray.get(ref)
        except ray.exceptions.RayTaskError as error:
            raise NotReadyError(
                f"node {asked[ref]} cannot take part in this run: "
                f"{str(error.cause).splitlines()[0]}; "
                f"install cwm-agent {__version__} there, in the same Python"
            ) from error
        except ray.exceptions.RayError:
            say(f"node {asked[ref]} went away")
            continue
        _check(report, file)
        for orphan in report.removed:
            say(f"removed an orphan on {report.name}: {orphan}")


def sweep_nodes(file: Path, say: Callable[[str], None]) -> None:
    """Remove what the run left on the nodes that are still up."""
    ray = import_ray()
    asked = _ask_all(file)
    done, late = ray.wait(list(asked), num_returns=len(asked), timeout=SECONDS)
    for ref in late:
        say(f"node {asked[ref]} does not answer; the next run there removes its orphans")
    for ref in done:
        try:
            report: NodeReport = ray.get(ref)
        except ray.exceptions.RayError:
            continue  # it just went away, and its processes with it
        for orphan in report.removed:
            say(f"removed an orphan on {report.name}: {orphan}")


def _ask_all(file: Path) -> dict[Any, str]:
    """Answers to come, with the names of the nodes."""
    ray = import_ray()
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    remote, digest = ray.remote(num_cpus=0, max_retries=0)(look), digest_of(file)
    return {
        remote.options(scheduling_strategy=NodeAffinitySchedulingStrategy(node, soft=False)).remote(
            file, digest
        ): name
        for node, name in slot_nodes().items()
    }


def _check(report: NodeReport, file: Path) -> None:
    if report.version != __version__:
        raise NotReadyError(
            f"node {report.name} has cwm-agent {report.version}, this is {__version__}; install "
            "the same on both"
        )
    if not report.sees_run:
        raise NotReadyError(
            f"node {report.name} does not see {file.parent}; put the runs on storage that all "
            "nodes share under the same path (--runs DIR)"
        )
