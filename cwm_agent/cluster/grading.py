"""Patches graded by tasks on the nodes of a Ray cluster, those of one image on one node."""

from __future__ import annotations

import contextlib
import threading
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cwm_agent.cluster.connect import check_demands, connected, import_ray, slot_nodes
from cwm_agent.cluster.demand import SLOT, Demand
from cwm_agent.cluster.nodes import sweep_nodes, visit_nodes
from cwm_agent.cluster.routing import choose_replica
from cwm_agent.config.settings import ClusterSettings
from cwm_agent.scoring.grading import GradingBackend, GradingSetup, GradingTools, images_here
from envs.errors import SandboxError
from envs.progress import Say
from envs.swebench.grader import Graded, Grader
from results.records import Verdict


def ray_backend(settings: ClusterSettings) -> GradingBackend:
    """A cluster as the place; opening it raises NotReadyError and UsageError.

    Each node has images of its own, so nothing is known of their ids beforehand.
    """

    @contextmanager
    def opened(setup: GradingSetup, progress: Say) -> Iterator[GradingTools]:
        setup.folder.mkdir(parents=True, exist_ok=True)
        with connected(settings.address, progress), _marker(setup.folder) as marker:
            check_demands([Demand("a grading", {SLOT: 1.0})], settings.wait_seconds)
            visit_nodes(marker, progress)
            try:
                affinity = NodeAffinity()
                yield GradingTools(lambda: RayGrader(setup, affinity), _had_by_the_task)
            finally:
                sweep_nodes(marker, progress)

    return GradingBackend(opened, lambda _names: {})


@dataclass(eq=False)
class NodeAffinity:
    """Which node grades the patches of an image, while it is not much busier than the others."""

    _lock: threading.Lock = field(default_factory=threading.Lock)
    _numbers: dict[str, int] = field(default_factory=dict)
    _loads: dict[str, int] = field(default_factory=dict)
    _homes: dict[str, str] = field(default_factory=dict)

    @contextmanager
    def node(self, image: str, living: Mapping[str, str]) -> Iterator[str]:
        """The id of the node for one grading; `living` are the names of the nodes by id."""
        with self._lock:
            for node in living:
                self._numbers.setdefault(node, len(self._numbers))
            names = {self._numbers[node]: node for node in living}
            loads = {number: self._loads.get(node, 0) for number, node in names.items()}
            home = self._numbers.get(self._homes.get(image, ""))
            chosen = names[choose_replica(loads, home)]
            self._homes[image] = chosen
            self._loads[chosen] = self._loads.get(chosen, 0) + 1
        try:
            yield chosen
        finally:
            with self._lock:
                self._loads[chosen] -= 1


class RayGrader:
    """A `PatchGrader` whose gradings are tasks, each with a slot of a node."""

    def __init__(self, setup: GradingSetup, affinity: NodeAffinity) -> None:
        self._setup = setup
        self._affinity = affinity
        self._running: Any = None

    def grade(
        self, row: Mapping[str, Any], patch: str, model: str = "model", *, apply: bool = True
    ) -> Graded:
        """Grade `patch` on some node; a node that goes away is a failure of the infrastructure."""
        ray, begun = import_ray(), time.monotonic()
        nodes = slot_nodes()
        if not nodes:
            return _spoiled("no node with a docker_slot is up", begun)
        with self._affinity.node(str(row["image"]), nodes) as node:
            task = _task(node)
            try:
                self._running = task.remote(self._setup, dict(row), patch, model, apply)
                graded: Graded = ray.get(self._running)
            except ray.exceptions.RayTaskError as error:
                raise error.cause from error
            except ray.exceptions.RayError as error:
                reason = str(error).strip().splitlines()[0]
                return _spoiled(f"node {nodes[node]} did not finish: {reason}", begun)
            return graded

    def close(self) -> None:
        """End a grading that is under way; the end of its process removes the container."""
        if self._running is not None:
            ray = import_ray()
            with contextlib.suppress(ray.exceptions.RayError):
                ray.cancel(self._running, force=True)


def grade_here(
    setup: GradingSetup, row: Mapping[str, Any], patch: str, model: str, apply: bool
) -> Graded:
    """The task: have the image on this node, then grade as on one machine."""
    begun = time.monotonic()
    try:
        with images_here(setup.min_free, lambda _text: None) as have_image:
            have_image(str(row["image"]))
    except SandboxError as error:
        return _spoiled(str(error), begun)
    with closing(Grader(setup.folder, setup.grade)) as grader:
        return grader.grade(row, patch, model, apply=apply)


def _task(node: str) -> Any:
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    task = import_ray().remote(num_cpus=0, resources={SLOT: 1}, max_retries=0)(grade_here)
    # Soft: a node that has just died must not make the task impossible for ever.
    return task.options(scheduling_strategy=NodeAffinitySchedulingStrategy(node, soft=True))


def _spoiled(reason: str, begun: float) -> Graded:
    verdict = Verdict(False, detail=reason)
    return Graded("infrastructure", verdict, round(time.monotonic() - begun, 3))


def _had_by_the_task(image: str) -> None:
    """Images are had where they are needed, by the task itself."""
    del image


@contextmanager
def _marker(folder: Path) -> Iterator[Path]:
    """A file by which each node shows that it sees the folder."""
    path = folder.absolute() / f".seen-{uuid.uuid4().hex[:8]}"
    path.write_text(path.name)
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)
