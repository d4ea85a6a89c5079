"""nano's training on the device, with what time is left: tokens a second are the figure."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from torch import Tensor

from cwm_agent.bench.gpu.measure.bench import Bench
from cwm_agent.bench.gpu.measure.timing import synchronise
from cwm_agent.nano.training.batch import Sample
from cwm_agent.nano.training.feed import Feed, FeedSettings
from cwm_agent.nano.training.loop import Run, TrainSettings
from cwm_agent.nano.training.muon import Rates
from cwm_agent.nano.training.network import Shape
from cwm_agent.nano.vocabulary import SIZE

SAMPLES = "samples.npz"
"""In the folder of what was prepared elsewhere: ids, weights and lengths of conversations."""
_EAGER_SHARE = 0.2  # of the time; then compiled, which takes a while to pay
_RESERVE = 8.0  # seconds for the end
_AT_ONCE = 8
_WARM_STEPS = 3


@dataclass(frozen=True, slots=True)
class _Pace:
    """Steps, tokens a second after the first steps, and the loss at both ends."""

    steps: int
    tokens_per_second: float
    first_loss: float
    last_loss: float


def training(bench: Bench) -> None:
    """Train as `cwm-agent nano train` does, as it stands and compiled, in larger batches.

    The figure is the better one. Without prepared samples rows of random ids of
    the same lengths serve: the speed is the same, the loss says nothing then.
    """
    on_gpu = bench.device.type == "cuda"
    seconds = min(bench.task.seconds, bench.sizes.training_seconds) - _RESERVE
    path = Path(bench.task.carried or ".") / SAMPLES
    paces = {}
    for name, compiled, share in (
        ("eager", False, _EAGER_SHARE),
        ("compiled", True, 1 - _EAGER_SHARE),
    ):
        if compiled and not on_gpu:
            continue  # a CPU compiles for a minute
        paces[name] = _paced(bench, path, max(2.0, share * seconds), compiled=compiled)
    best = max(pace.tokens_per_second for pace in paces.values())
    bench.report.add(
        "training_tokens_per_second",
        best,
        prepared_samples=path.is_file(),
        batch_tokens=bench.sizes.training_batch,
        **{
            name: {field: getattr(pace, field) for field in pace.__slots__}
            for name, pace in paces.items()
        },
    )


def _paced(bench: Bench, samples: Path, seconds: float, *, compiled: bool) -> _Pace:
    """Train anew for so long, compilation included."""
    shape = Shape(SIZE) if bench.device.type == "cuda" else Shape(SIZE, hidden=64, layers=2)
    feed = FeedSettings(budget=bench.sizes.training_batch)
    settings = TrainSettings(
        shape,
        total_minutes=seconds / 60,
        rates=Rates(matrices=0.008, rest=1.5e-3),
        feed=feed,
        device=str(bench.device),
        compiled=compiled,
        wired=shape == Shape(SIZE),
    )
    with TemporaryDirectory() as folder:
        run = Run(Path(folder), settings)
        batches = Feed(_samples(samples), feed, vocabulary=SIZE, seed=1)
        begun = started = time.monotonic()
        tokens = 0
        losses: list[Tensor] = []
        while time.monotonic() - begun < seconds or len(losses) <= _WARM_STEPS:
            run.counters.seconds = time.monotonic() - begun
            losses.append(run.step(batches.next(run.progress)))
            if len(losses) == _WARM_STEPS:
                synchronise(bench.device)
                started, tokens = time.monotonic(), run.counters.tokens
        synchronise(bench.device)
        speed = (run.counters.tokens - tokens) / (time.monotonic() - started)
    return _Pace(len(losses), round(speed), float(losses[0]), float(losses[-1]))


def _samples(path: Path) -> Iterator[list[Sample]]:
    """Endless conversations, a few at a time."""
    if path.is_file():
        with np.load(path) as found:
            ends = found["lengths"].cumsum()
            rows = [np.split(found[name], ends[:-1]) for name in ("ids", "weights")]
        known = [
            Sample(tuple(ids.tolist()), tuple(weights.tolist()))
            for ids, weights in zip(*rows, strict=True)
        ]
        while True:
            for at in range(0, len(known), _AT_ONCE):
                yield known[at : at + _AT_ONCE]
    rng = np.random.default_rng(1)
    while True:
        lengths = rng.integers(300, 2000, _AT_ONCE)
        yield [
            Sample(tuple(rng.integers(0, SIZE, length).tolist()), (1.0,) * int(length))
            for length in lengths
        ]
