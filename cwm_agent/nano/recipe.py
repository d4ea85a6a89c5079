"""How the bundled checkpoint is made: its shape, its mixture, its export."""

from __future__ import annotations

from pathlib import Path

from cwm_agent.nano.rendering import NanoSource
from cwm_agent.nano.training.export import TokenIds, export_run
from cwm_agent.nano.training.loop import TrainSettings, train
from cwm_agent.nano.training.muon import Rates
from cwm_agent.nano.training.network import Shape
from cwm_agent.nano.training.state import Counters
from cwm_agent.nano.vocabulary import SIZE
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
) -> Counters:
    """Train for `minutes` of the `total`; see `training.loop.train`.

    `start` is a checkpoint whose weights a new run begins with.
    """
    settings = TrainSettings(
        SHAPE,
        total_minutes=total,
        seed=seed,
        threads=threads,
        workers=workers,
        device=device,
        rates=RATES,
        start=start,
        save_minutes=3.0,
    )
    return train(run, settings, NanoSource(bundled.folder()), minutes)


def export_nano(run: Path, folder: Path) -> None:
    """Write the checkpoint with the bundled tokenizer; raises StateError without a saved state."""
    tokenizer = Tokenizer.from_folder(bundled.folder())
    ids = TokenIds(
        bos=tokenizer.special(names.BEGIN_OF_TEXT),
        eos=tuple(
            tokenizer.special(name)
            for name in (names.END_OF_TURN, names.END_OF_MESSAGE, names.END_OF_TEXT)
        ),
        pad=tokenizer.special("<|pad|>"),
    )
    export_run(run, folder, bundled.folder() / "tokenizer.json", ids)
