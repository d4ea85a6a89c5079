"""One training run, in chunks: each call goes on where the last one stopped."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor

from cwm_agent.nano.training.batch import Batch, SampleSource
from cwm_agent.nano.training.curves import LOG
from cwm_agent.nano.training.export import load_network
from cwm_agent.nano.training.feed import Feed, FeedSettings
from cwm_agent.nano.training.muon import Optimisers, Rates
from cwm_agent.nano.training.network import Network, Shape
from cwm_agent.nano.training.state import (
    Counters,
    State,
    StateError,
    load_state,
    newest_state,
    save_state,
)
from cwm_agent.nano.training.wiring import wire
from cwm_agent.nano.training.worker import Workers, derived_seed


@dataclass(frozen=True, slots=True)
class Schedule:
    """Linear warm-up, constant, then linear decay down to `floor`.

    All parts are fractions of the whole run, whose progress is training time
    over the time budget. So a run ends on time on any machine, and a budget
    that is changed on the way moves the decay.
    """

    warmup: float = 0.01
    decay_from: float = 0.5
    floor: float = 0.05

    def scale(self, progress: float) -> float:
        """Factor of the learning rate at `progress` (0 to 1)."""
        if progress < self.warmup:
            return max(progress / self.warmup, self.floor)
        over = (progress - self.decay_from) / (1.0 - self.decay_from)
        return 1.0 - (1.0 - self.floor) * min(1.0, max(0.0, over))


_LOG_STEPS = 10
Clock = Callable[[], float]  # seconds since some instant
_WEIGHTS, _MOMENTS = "weights/", "moments/"


@dataclass(frozen=True, slots=True)
class TrainSettings:
    """What a run is. Only `shape` must stay the same from call to call."""

    shape: Shape
    total_minutes: float  # of the whole run; its schedule ends there
    seed: int = 0
    rates: Rates = field(default_factory=Rates)
    schedule: Schedule = field(default_factory=Schedule)
    feed: FeedSettings = field(default_factory=FeedSettings)
    wired: bool = True
    start: Path | None = None  # an exported checkpoint to begin a new run with
    workers: int = 1
    threads: int = 1
    device: str = "cpu"
    compiled: bool = True
    save_minutes: float = 4.0


class Run:
    """Network, optimisers and counters of a run, in memory."""

    def __init__(self, folder: Path, settings: TrainSettings) -> None:
        self.folder = folder
        self.settings = settings
        self.network = Network(settings.shape)
        self.counters = Counters()
        saved = newest_state(folder)
        if saved is None:
            self._begin()
        self.network.to(settings.device)
        self._optimisers = Optimisers(self.network, settings.rates)
        if saved is not None:
            self._restore(load_state(saved))
        if settings.compiled:
            self.network.compile_parts()

    @property
    def progress(self) -> float:
        """The part of the whole run that is over, 0 to 1."""
        return min(1.0, self.counters.seconds / (60.0 * self.settings.total_minutes))

    @property
    def scale(self) -> float:
        """Factor of the learning rates now."""
        return self.settings.schedule.scale(self.progress)

    def step(self, batch: Batch) -> Tensor:
        """Learn from one batch; returns its mean loss, a scalar that stays on the device."""
        loss = batch_loss(self.network, batch, self.settings.device)
        torch.autograd.backward(loss)
        self._optimisers.step(self.scale)
        self.counters.step += 1
        self.counters.tokens += batch.tokens
        return loss.detach()

    def save(self) -> None:
        """Write the state of this instant."""
        weights = {_WEIGHTS + name: w for name, w in self.network.state_dict().items()}
        moments = {_MOMENTS + name: m for name, m in self._optimisers.state().items()}
        save_state(self.folder, State(self.settings.shape, self.counters, weights | moments))

    def _begin(self) -> None:
        settings = self.settings
        self.network.initialise(settings.seed)
        if settings.start is not None:
            load_network(self.network, settings.start)
        elif settings.wired:
            wire(self.network, settings.seed)

    def _restore(self, state: State) -> None:
        if state.shape != self.settings.shape:
            raise StateError(
                f"the run in {self.folder} has another shape ({state.shape}); "
                "use it, or another folder"
            )
        device = self.settings.device
        self.network.load_state_dict(_under(state.tensors, _WEIGHTS))
        moments = _under(state.tensors, _MOMENTS)
        self._optimisers.load({name: moment.to(device) for name, moment in moments.items()})
        self.counters = state.counters


def train(
    folder: Path,
    settings: TrainSettings,
    source: SampleSource,
    minutes: float,
    clock: Clock = time.monotonic,
) -> Counters:
    """Train for `minutes`, or to the end of the schedule, and save.

    The run lies in `folder`; a new one is begun if there is none. Killed at any
    time, it loses what it learned after the last saving. Raises StateError or
    SourceError.
    """
    torch.set_num_threads(settings.threads)
    folder.mkdir(parents=True, exist_ok=True)
    run = Run(folder, settings)
    # A fresh stream from here on: what was drawn before the last stop is not drawn again.
    seed = derived_seed(settings.seed, run.counters.step)
    with Workers(source, seed, settings.workers) as samples:
        feed = Feed(samples, settings.feed, vocabulary=settings.shape.vocabulary, seed=seed)
        _steps(run, feed, minutes, clock)
    run.save()
    return run.counters


def _steps(run: Run, feed: Feed, minutes: float, clock: Clock) -> None:
    """Train until time is up; the clock of the run goes on while it compiles or waits."""
    started, before = clock(), run.counters.seconds
    saved = started
    log = Log(run)
    while run.progress < 1.0 and clock() - started < 60.0 * minutes:
        batch = feed.next(run.progress)
        log.add(batch, run.step(batch))
        run.counters.seconds = before + clock() - started
        if run.counters.step % _LOG_STEPS == 0:
            log.write()
        if clock() - saved > 60.0 * run.settings.save_minutes:
            run.save()
            saved = clock()


class Log:
    """Losses since the last line of the log file, by kind of batch."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._begin()

    def add(self, batch: Batch, loss: Tensor) -> None:
        """Note the loss of a step."""
        self._losses.setdefault(batch.kind, []).append(loss)

    def write(self) -> None:
        """Append a line to the log, and show it."""
        counters = self._run.counters
        losses = {
            kind: round(float(torch.stack(found).mean()), 4) for kind, found in self._losses.items()
        }
        speed = (counters.tokens - self._tokens) / max(1e-9, counters.seconds - self._seconds)
        line = {
            "step": counters.step,
            "tokens": counters.tokens,
            "loss": losses,
            "lr": round(self._run.scale * self._run.settings.rates.matrices, 6),
            "tokens_per_second": round(speed),
            "seconds": round(counters.seconds, 1),
        }
        with (self._run.folder / LOG).open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
        shown = "  ".join(f"{kind} {loss:.3f}" for kind, loss in losses.items())
        print(
            f"{100 * self._run.progress:5.1f} %  step {counters.step}  "
            f"{counters.tokens / 1e6:.2f}M tokens  {speed:,.0f}/s  {shown}",
            file=sys.stderr,
            flush=True,
        )
        self._begin()

    def _begin(self) -> None:
        self._losses: dict[str, list[Tensor]] = {}
        self._tokens = self._run.counters.tokens
        self._seconds = self._run.counters.seconds


def batch_loss(network: Network, batch: Batch, device: str) -> Tensor:
    """Weighted mean of the cross-entropy in nats, with bf16 products; a scalar."""
    ids, places, targets, weights = (
        torch.from_numpy(part).to(device, non_blocking=True)
        for part in (batch.ids, batch.places, batch.targets, batch.weights)
    )
    with torch.autocast(torch.device(device).type, dtype=torch.bfloat16):
        loss: Tensor = network(ids, places, targets, weights)
    return loss


def _under(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {
        name.removeprefix(prefix): tensor
        for name, tensor in tensors.items()
        if name.startswith(prefix)
    }
