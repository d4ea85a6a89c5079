"""Tensor parallelism as rank 0 sees it: one runner that is many processes.

Rank 0 schedules and samples. For each step it broadcasts the plan as numbers;
then all ranks, itself included, run it on their part of every layer.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Protocol

import torch
from torch import Tensor

from model.errors import ConfigError, EngineError
from model.parallel.rank import RankSpec, spec_to_json
from model.parallel.ranks import ANY_TIME, Ranks, connect
from model.parallel.worker import MEETING, SPEC_KEY, torchrun_rank
from model.parallel.worker_processes import WorkerProcesses
from model.runner.decoder import Launched
from model.runner.runner import Runner
from model.step.pinned import new_event
from model.step.plan import StepPlan
from model.step.plan_codec import encode_plan
from model.step.sampler import Draw

_START_SECONDS = 1800.0  # reading a large checkpoint from a slow disk
_STEP_SECONDS = 300.0  # a long prefill chunk on a slow CPU
_LOOK_SECONDS = 50e-6  # between two looks at the device: a hundredth of a short step
_MEETING_SECONDS = 8.0  # all ranks are ready by then, they only connect


class Workers(Protocol):
    """The other ranks, as far as their lives concern rank 0."""

    @property
    def pids(self) -> tuple[int, ...]:
        """Process ids of those that we started."""

    def raise_if_failed(self) -> None:
        """Raise EngineError when one of them has ended."""

    def explain(self, error: Exception) -> Exception:
        """The cause of an error that a step met."""

    def step(self) -> AbstractContextManager[None]:
        """Watch over a step."""

    def fail(self, reason: str) -> None:
        """End all of them."""

    def stop(self) -> None:
        """Wait until all have ended, after they were told to."""


class TorchrunWorkers:
    """Ranks that torchrun started: it watches them, and ends all when one fails."""

    pids: tuple[int, ...] = ()

    def __init__(self) -> None:
        self._failure: str | None = None

    def raise_if_failed(self) -> None:
        """See Workers."""
        if self._failure is not None:
            raise EngineError(f"{self._failure}; start torchrun again")

    def explain(self, error: Exception) -> Exception:
        """See Workers."""
        return EngineError(f"the ranks lost each other ({error}); see the output of torchrun")

    def step(self) -> AbstractContextManager[None]:
        """See Workers."""
        return nullcontext()

    def fail(self, reason: str) -> None:
        """See Workers."""
        self._failure = reason

    def stop(self) -> None:
        """See Workers."""


@contextmanager
def watched(workers: Workers) -> Iterator[None]:
    """A part of a step; raises the cause when a worker died, failed or hangs meanwhile."""
    workers.raise_if_failed()
    try:
        with workers.step():
            yield
        workers.raise_if_failed()
    except BaseException as error:
        # The others wait for our part of this step: there is no way back.
        cause = workers.explain(error) if isinstance(error, Exception) else error
        workers.fail(f"rank 0 left a step ({type(error).__name__}: {error})")
        raise cause from error


def wait_for(ready: Callable[[], bool], workers: Workers) -> None:
    """Until the device is ready, or a worker has failed: a kernel that waits for it never ends."""
    while not ready():
        workers.raise_if_failed()
        time.sleep(_LOOK_SECONDS)


@dataclass(frozen=True, slots=True)
class Watched:
    """A launched step of all ranks; see `model.runner.decoder.Launched`."""

    launched: Launched
    workers: Workers

    @property
    def logits(self) -> Tensor:
        """See Launched."""
        return self.launched.logits

    def ready(self) -> bool:
        """See Launched."""
        return self.launched.ready()

    def ids(self) -> list[int]:
        """See Launched. Raises EngineError when a worker died, failed or hangs."""
        with watched(self.workers):
            wait_for(self.ready, self.workers)
            return self.launched.ids()


class ParallelRunner:
    """A StepRunner (see `model.runner.runner`) over all ranks; it lives on rank 0."""

    def __init__(self, runner: Runner, ranks: Ranks, workers: Workers) -> None:
        self.workers = workers
        self._runner = runner
        self._ranks = ranks
        self._closed = False

    def run(self, plan: StepPlan) -> Tensor:
        """See StepRunner. Raises EngineError when a worker died, failed or hangs."""
        with watched(self.workers):
            self._ranks.send_plan(encode_plan(plan))
            logits = self._runner.run(plan)
            done = new_event(logits.device)
            if done is not None:
                done.record(torch.cuda.current_stream(logits.device))
                wait_for(done.query, self.workers)
        return logits

    def launch(self, plan: StepPlan, draws: Sequence[Draw]) -> Launched | None:
        """See StepRunner: all ranks replay their recording, this one samples in it.

        Raises EngineError as `run` does; so does `ids` of what it returns.
        """
        if not self._runner.has_recorded(plan, draws):
            return None
        with watched(self.workers):
            self._ranks.send_plan(encode_plan(replace(plan, recorded=True)))
            launched = self._runner.replay(plan, draws)
        return Watched(launched, self.workers)

    def close(self) -> None:
        """Stop the workers."""
        if self._closed:
            return
        self._closed = True
        try:
            self.workers.raise_if_failed()
            self._ranks.send_plan(encode_plan(StepPlan((), ()))[:0])
        except (EngineError, RuntimeError):
            pass  # they are gone already
        self.workers.stop()
        self._runner.close()


def open_ranks(spec: RankSpec) -> ParallelRunner:
    """Bring up all ranks: those of this torchrun, else new processes.

    Raises what loading raises, ConfigError when torchrun started another
    number, EngineError when a worker fails or does not come up.
    """
    rank = torchrun_rank()
    if rank is None:
        return _open_spawned(spec)
    if rank != 0:
        raise EngineError(
            f"rank {rank} of torchrun builds an engine; call "
            "model.parallel.worker.serve_torchrun() first thing in every rank but 0"
        )
    return _open_torchrun(spec)


def _open_spawned(spec: RankSpec) -> ParallelRunner:
    from torch.distributed import FileStore  # type: ignore[attr-defined]

    device = spec.device_of(spec.size - 1)  # fail before anything is started
    device = spec.device_of(0)
    workers = WorkerProcesses(spec_to_json(spec), spec.size, _STEP_SECONDS)
    try:
        weights = spec.load(0, device)
        storage = spec.storage(device)
        workers.wait_until_ready(_START_SECONDS)
        store = FileStore(str(workers.folder / MEETING), spec.size)
        ranks = _meet(workers, store, spec, device)
        workers.on_failure = ranks.abort
        with watched(workers):  # they record steps now, together
            runner = spec.runner(weights, storage, ranks)
        return ParallelRunner(runner, ranks, workers)
    except BaseException:
        workers.stop()
        raise


def _meet(workers: WorkerProcesses, store: Any, spec: RankSpec, device: torch.device) -> Ranks:
    """Connect to workers that are ready."""
    soon = timedelta(seconds=_MEETING_SECONDS)
    try:
        return connect(
            store,
            0,
            spec.size,
            device,
            meeting=soon,
            step=ANY_TIME,
            local=True,
            sums=spec.sums,
        )
    except RuntimeError as error:
        workers.fail(f"the ranks could not connect ({error})")
        workers.raise_if_failed()
        raise


def _open_torchrun(spec: RankSpec) -> ParallelRunner:
    from torch.distributed.rendezvous import rendezvous

    if (size := int(os.environ["WORLD_SIZE"])) != spec.size:
        raise ConfigError(
            f"torchrun started {size} ranks, but the tensor-parallel degree is {spec.size}; "
            "make them equal"
        )
    store, _, _ = next(rendezvous("env://"))
    store.set(SPEC_KEY, spec_to_json(spec))
    device = spec.device_of(int(os.environ["LOCAL_RANK"]))
    weights = spec.load(0, device)
    storage = spec.storage(device)
    ranks = connect(
        store,
        0,
        size,
        device,
        meeting=timedelta(seconds=_START_SECONDS),
        step=timedelta(seconds=_STEP_SECONDS),
        local=False,
        sums=spec.sums,
    )
    return ParallelRunner(spec.runner(weights, storage, ranks), ranks, TorchrunWorkers())
