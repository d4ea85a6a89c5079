"""Sampling on the device against the sampler on the host: the same noise, the same tokens."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import torch

from cwm_agent.bench.gpu.measure.bench import Bench
from cwm_agent.bench.gpu.proof.compare import Case, Check, same
from model.step import sampler
from model.step.sampler import GREEDY, Draw, Sampling

_WAYS = {
    "greedy": (GREEDY,),
    "one filter": (Sampling(1.0, 0.95, seed=42), Sampling(1.3, top_k=50, seed=4)),
    "all filters": (
        Sampling(0.7, 0.5, seed=2**40),
        Sampling(1.0, min_p=0.05, seed=5),
        Sampling(1.0, 0.9, top_k=20, min_p=0.01, seed=6),
        Sampling(2.0, seed=7),
        GREEDY,
    ),
}
_DRAWS = 28
_INTERPRETED_DRAWS = 5
_OTHERS = 2  # a sum rounded otherwise may move the border of two tokens


def sample(bench: Bench) -> Iterator[Case]:
    """Rows that all take the likeliest token, one filter a row, and everything together."""
    rows = _DRAWS if bench.device.type == "cuda" else _INTERPRETED_DRAWS
    for name, ways in _WAYS.items():
        yield Case("sample", f"{rows} rows, {name}", partial(_sample, bench, ways, rows))


def _sample(bench: Bench, ways: tuple[Sampling, ...], rows: int) -> Iterator[Check]:
    from model.ops.triton.sample import sample_on_device

    logits = torch.randn((rows, bench.config.vocabulary), device=bench.device) * 4
    draws = [Draw(ways[i % len(ways)], i * 977, i * 31) for i in range(rows)]
    found, expected = sample_on_device(logits, draws), sampler.sample(logits.cpu(), draws)
    pairs = list(zip(found, expected, draws, strict=True))
    yield same("likeliest token", all(f == e for f, e, draw in pairs if draw.params.greedy))
    yield Check(
        "share of other tokens", sum(f != e for f, e, _ in pairs) / _DRAWS, _OTHERS / _DRAWS
    )
