"""How the bundled checkpoints are made: their shape, their mixture, their export."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from cwm_agent.nano.rendering import NanoSource
from cwm_agent.nano.traces import TraceSource
from cwm_agent.nano.training.export import TokenIds, export_run
from cwm_agent.nano.training.loop import TrainSettings, train
from cwm_agent.nano.training.muon import Rates
from cwm_agent.nano.training.network import Shape
from cwm_agent.nano.training.state import Counters
from cwm_agent.nano.vocabulary import DEBUGGER_SIZE, SIZE
from cwm_agent.policies import bundled
from model.text import special_tokens as names
from model.text.tokenizer import Tokenizer

SHAPE = Shape(SIZE)
"""5.25 million numbers, 10.5 MB in bf16; layers 0, 4 and 7 see everything, as in CWM."""
RATES = Rates(matrices=0.008, rest=1.5e-3)
"""At 0.02 and 3e-3, which suit random weights, the wired copying heads were lost again."""


def train_nano(
    run: Path,
    *,
    minutes: float,
    total: float,
    threads: int,
    workers: int,
    device: str,
    seed: int,
    start: Path | None = None,
    debugger: bool = False,
) -> Counters:
    """Train for `minutes` of the `total`; see `training.loop.train`.

    `start` is a checkpoint whose weights a new run begins with. `debugger` trains the model
    that predicts executions, which begins with those of the other one.
    """
    settings = TrainSettings(
        replace(SHAPE, vocabulary=DEBUGGER_SIZE) if debugger else SHAPE,
        total_minutes=total,
        seed=seed,
        threads=threads,
        workers=workers,
        device=device,
        rates=RATES,
        start=bundled.folder() if debugger and start is None else start,
        save_minutes=3.0,
    )
    if debugger:
        return train(run, settings, TraceSource(bundled.debugger_folder()), minutes)
    return train(run, settings, NanoSource(bundled.folder()), minutes)


def export_nano(run: Path, folder: Path, *, debugger: bool = False) -> None:
    """Write the checkpoint with the bundled tokenizer; raises StateError without a saved state."""
    bundle = bundled.debugger_folder() if debugger else bundled.folder()
    tokenizer = Tokenizer.from_folder(bundle)
    ids = TokenIds(
        bos=tokenizer.special(names.BEGIN_OF_TEXT),
        eos=tuple(
            tokenizer.special(name)
            for name in (names.END_OF_TURN, names.END_OF_MESSAGE, names.END_OF_TEXT)
        ),
        pad=tokenizer.special("<|pad|>"),
    )
    export_run(run, folder, bundle / "tokenizer.json", ids)
