"""Attempts on the nodes of a Ray cluster. The driver keeps the runner, the nodes do the work.

A worker (one slot of its node) does one attempt after the other; an engine is a
replica with the GPUs of its tensor-parallel group. Ray's own retries are off:
it would begin a lost attempt only after it is sure of a node's death, while
here the runner tries again elsewhere, from the journal on shared storage.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from cwm_agent.attempt.attempt import Rules
from cwm_agent.batch.attempt_state import AttemptState
from cwm_agent.batch.local.policies import Policies
from cwm_agent.batch.semaphores import POLL_SECONDS, Semaphore
from cwm_agent.cluster.connect import check_demands, connected, import_ray, living_nodes
from cwm_agent.cluster.demand import SLOT, Demand
from cwm_agent.cluster.nodes import sweep_nodes, visit_nodes
from cwm_agent.cluster.pool import Pool, PooledWorker
from cwm_agent.cluster.remote import REPLIES, RemotePolicy
from cwm_agent.cluster.replica import EngineReplica
from cwm_agent.cluster.replicas import Replicas
from cwm_agent.cluster.worker import Assignment, AttemptProgress, AttemptWorker, Failure
from cwm_agent.config.settings import BatchSettings, Settings
from cwm_agent.errors import LostError
from cwm_agent.policies.choice import PolicyChoice
from cwm_agent.policies.choose import OpenPolicy
from model.stats import EngineStats
from results.records import AttemptResult
from results.store import Run

REPLICA_THREADS = 256
"""Conversations that one replica answers at once; the engine batches no more of them."""
QUESTIONS = 4
"""Threads of a worker or replica for what is answered at once."""


@dataclass(frozen=True, slots=True)
class RayExecutor:
    """See cwm_agent.batch.executor.Executor."""

    pool: Pool
    engines: Mapping[PolicyChoice, Replicas]
    served: Policies
    sessions: Semaphore
    settings: BatchSettings
    log: Callable[[str], None]

    def __call__(self, attempt: AttemptState) -> AttemptResult:
        """The attempt, on a worker; raises LostError when its node or engine went away."""
        with self.sessions.hold(attempt.stop), self.pool.worker(attempt) as worker:
            try:
                return self._try(worker, attempt)
            except LostError as error:
                self.log(f"{attempt.name}: {error}")
                raise

    def over(self, attempt: AttemptState) -> None:
        """Workers forget by themselves."""

    def loads(self) -> dict[str, EngineStats]:
        """What the replicas last said, by the checkpoint's name and the replica's number."""
        return {
            f"{choice.source} {replica}": load
            for choice, replicas in self.engines.items()
            for replica, load in replicas.loads().items()
        }

    def engine(self, choice: PolicyChoice) -> OpenPolicy:
        """A replica of the checkpoint; a served model is asked from here."""
        replicas = self.engines.get(choice)
        if replicas is None:
            return self.served.shared(choice)
        replica = replicas.any()
        info = replica.info
        return OpenPolicy(RemotePolicy(replica), info.thinking, info.note, info.context_tokens)

    def resize(self, workers: int) -> None:
        """More or fewer workers and conversations."""
        self.pool.resize(_places(self.settings, workers))
        self.sessions.resize(self.settings.sessions or _places(self.settings, workers))

    def _try(self, worker: PooledWorker, attempt: AttemptState) -> AttemptResult:
        """The attempt on this worker, with a place at a replica if an engine answers."""
        assignment = Assignment(uuid.uuid4().hex, attempt.job, attempt.sample)
        replicas = self.engines.get(attempt.job.policy)
        if replicas is None:
            return self._on(worker, assignment, attempt)
        with replicas.reserve(attempt, assignment.key) as replica:
            try:
                with_engine = replace(assignment, replica=replicas.handle(replica))
                return self._on(worker, with_engine, attempt)
            except LostError:
                replicas.replace_if_gone(replica)
                raise

    def _on(
        self, worker: PooledWorker, assignment: Assignment, attempt: AttemptState
    ) -> AttemptResult:
        ray = import_ray()
        attempt.say(f"starting on {worker.node}")
        try:
            ref = worker.actor.run.remote(assignment)
            while not ray.wait([ref], timeout=POLL_SECONDS)[0]:
                self._relay(worker, assignment.key, attempt)
            outcome: AttemptResult | Failure = ray.get(ref)
        except ray.exceptions.RayError as error:
            self.pool.lost(worker)
            reason = str(error).strip().splitlines()[0]
            raise LostError(
                f"the node or process working on it died ({worker.node}: {reason}); look "
                "at `ray status`, then resume the run"
            ) from error
        if isinstance(outcome, Failure):
            raise outcome.error
        return outcome

    def _relay(self, worker: PooledWorker, key: str, attempt: AttemptState) -> None:
        """Pass stop requests to the worker, and its progress to the attempt."""
        ray = import_ray()
        if attempt.stop.requested:
            worker.actor.stop.remote(key, attempt.stop.stopped)
        try:
            progress: AttemptProgress | None = ray.get(
                worker.actor.progress.remote(), timeout=POLL_SECONDS
            )
        except ray.exceptions.RayError:
            return  # the attempt's own answer says what happened
        if progress is not None:
            progress.copy_to(attempt)


@contextmanager
def ray_executor(
    run: Run,
    rules: Rules,
    waiting: Sequence[AttemptState],
    say: Callable[[str], None],
    log: Callable[[str], None],
) -> Iterator[RayExecutor]:
    """A Ray cluster as the place.

    Raises NotReadyError when there is none or it can never have what the run
    asks, UsageError without the extra, ModelError for a bad checkpoint.
    """
    settings = rules.resolved.settings
    choices = {t.job.policy for t in waiting if t.job.policy.kind == "embedded"}
    file = (run.folder / "run.json").absolute()
    with ExitStack() as stack:
        stack.enter_context(connected(settings.cluster.address, log))
        engine = _engine_resources(settings)
        demands = [Demand("a sandbox", {SLOT: 1.0})]
        if choices:
            demands.append(Demand("an engine replica", engine, settings.cluster.replicas))
        check_demands(demands, settings.cluster.wait_seconds)
        visit_nodes(file, say)
        stack.callback(sweep_nodes, file, say)
        engines = {choice: _replicas(choice, settings, engine) for choice in choices}
        for replicas in engines.values():
            stack.callback(replicas.close)
            say(f"waiting for the first of {settings.cluster.replicas} engine replicas")
            replicas.wait_for_first()
        places = _places(settings.batch, settings.batch.workers)
        pool = Pool(lambda: _worker(file.parent, rules), places, log)
        stack.callback(pool.close)
        sessions = Semaphore(settings.batch.sessions or places)
        served = Policies(settings, say)
        stack.callback(served.close)
        yield RayExecutor(pool, engines, served, sessions, settings.batch, log)


def _places(settings: BatchSettings, workers: int) -> int:
    """Workers of the cluster: as many as sandboxes are open in a local run."""
    return settings.sandboxes or workers + settings.grading


def _engine_resources(settings: Settings) -> dict[str, float]:
    """What one replica takes of its node: a GPU for each rank, or CPU cores."""
    ranks = float(settings.engine.tensor_parallel)
    have_gpu = any(node.resources.get("GPU") for node in living_nodes())
    if settings.device.startswith("cuda") or (settings.device == "auto" and have_gpu):
        return {"GPU": ranks}
    return {"CPU": ranks * settings.cluster.replica_cpus}


def _worker(folder: Path, rules: Rules) -> Any:
    actor = import_ray().remote(AttemptWorker)
    options = actor.options(
        num_cpus=0,
        resources={SLOT: 1},
        max_restarts=0,
        max_concurrency=1 + QUESTIONS,
        scheduling_strategy="SPREAD",
    )
    return options.remote(folder, rules)


def _replicas(choice: PolicyChoice, settings: Settings, resources: Mapping[str, float]) -> Replicas:
    groups = {REPLIES: REPLICA_THREADS}
    actor = import_ray().remote(concurrency_groups=groups)(EngineReplica)
    options = actor.options(
        num_cpus=resources.get("CPU", 0),
        num_gpus=resources.get("GPU", 0),
        max_restarts=0,
        max_concurrency=QUESTIONS,
    )
    return Replicas(lambda: options.remote(choice, settings), settings.cluster.replicas)
