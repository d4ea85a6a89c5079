"""The course of a run, from its log: a few lines for the terminal, and a picture."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from itertools import pairwise
from pathlib import Path

LOG = "log.jsonl"
"""Name of the log in a run's folder."""
_BLOCKS = " ▁▂▃▄▅▆▇█"
_EIGHTHS = len(_BLOCKS) - 1


@dataclass(frozen=True, slots=True)
class LogLine:
    """Ten steps of a run; `loss` is the mean in nats a token, by kind of batch."""

    step: int
    tokens: int
    loss: dict[str, float]
    lr: float
    tokens_per_second: float
    seconds: float


def read_log(path: Path) -> list[LogLine]:
    """All lines of a log.jsonl, in order of steps.

    A run that was killed repeats the steps after its last saving: the newer
    line counts. A torn last line is left out.
    """
    lines: list[LogLine] = []
    for text in path.read_text(encoding="utf-8").splitlines():
        try:
            line = LogLine(**json.loads(text))
        except (json.JSONDecodeError, TypeError):
            continue
        while lines and lines[-1].step >= line.step:
            lines.pop()
        lines.append(line)
    return lines


def terminal_curve(lines: Sequence[LogLine], width: int = 72, height: int = 8) -> str:
    """A curve of block characters for each kind of loss, over tokens."""
    return "\n\n".join(
        _curve(kind, *_series(lines, kind), width=width, height=height) for kind in _kinds(lines)
    )


def write_picture(lines: Sequence[LogLine], path: Path) -> None:
    """A PNG with the losses above and the learning rate below; needs the extra `train`."""
    # By name: the type checker must pass with matplotlib and without it.
    figure = import_module("matplotlib.figure").Figure(figsize=(9, 6), layout="constrained")
    losses, rates = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    for kind in _kinds(lines):
        losses.plot(*_series(lines, kind), label=kind, linewidth=1)
    losses.set_ylabel("loss in nats a token")
    losses.set_ylim(bottom=0)
    losses.grid(alpha=0.3)
    losses.legend()
    rates.plot([line.tokens / 1e6 for line in lines], [line.lr for line in lines], linewidth=1)
    rates.set_ylabel("learning rate (Muon)")
    rates.set_xlabel("million tokens")
    rates.grid(alpha=0.3)
    figure.savefig(path, dpi=120)


def _kinds(lines: Sequence[LogLine]) -> list[str]:
    return sorted({kind for line in lines for kind in line.loss}, reverse=True)


def _series(lines: Sequence[LogLine], kind: str) -> tuple[list[float], list[float]]:
    """Million tokens and losses of one kind; not every line has every kind."""
    found = [(line.tokens / 1e6, line.loss[kind]) for line in lines if kind in line.loss]
    return [tokens for tokens, _ in found], [loss for _, loss in found]


def _curve(
    title: str, places: Sequence[float], values: Sequence[float], *, width: int, height: int
) -> str:
    """Columns of mean values, as high as their share of the largest one."""
    count = min(width, len(values))
    edges = [len(values) * column // count for column in range(count + 1)]
    means = [sum(values[start:stop]) / (stop - start) for start, stop in pairwise(edges)]
    top = max(means) or 1.0
    filled = [round(mean / top * height * _EIGHTHS) for mean in means]
    rows = [
        "".join(_BLOCKS[min(_EIGHTHS, max(0, level - row * _EIGHTHS))] for level in filled)
        for row in reversed(range(height))
    ]
    rows[0] += f" {top:.3f}"
    rows[-1] += f" 0; last {values[-1]:.3f}"
    return "\n".join([f"loss of kind '{title}', 0 to {places[-1]:.2f}M tokens", *rows])
