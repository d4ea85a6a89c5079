"""Block sizes, warps and stages as data: `tuning.toml` beside this file, by GPU name."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

import torch


@dataclass(frozen=True, slots=True)
class RowTuning:
    """A program works on a row, or on `columns` (heads, tokens of the vocabulary) of one."""

    warps: int
    columns: int = 0


@dataclass(frozen=True, slots=True)
class SplitTuning:
    """Split-KV attention: `split` keys of a row in a program, `keys` at a time."""

    split: int
    keys: int
    warps: int
    stages: int


@dataclass(frozen=True, slots=True)
class TileTuning:
    """Extend attention: `queries` (tokens times heads of a group) and `keys` at a time."""

    queries: int
    keys: int
    warps: int
    stages: int


@dataclass(frozen=True, slots=True)
class GemvTuning:
    """8-bit weights times up to `most_rows` rows, `outputs` by `inputs` at a time.

    The inputs are split among programs until there are `programs` of them.
    """

    most_rows: int
    outputs: int
    inputs: int
    programs: int
    warps: int
    stages: int


@dataclass(frozen=True, slots=True)
class Tuning:
    """All figures for one kind of GPU."""

    norm: RowTuning
    rope_write: RowTuning
    swiglu: RowTuning
    quantise: RowTuning
    decode: SplitTuning
    verify: SplitTuning
    extend: TileTuning
    gemv: GemvTuning
    sample: RowTuning


def tuning_for(device: torch.device) -> Tuning:
    """The figures for the kind of GPU that `device` is; the default for unknown ones."""
    return _tuning(torch.cuda.get_device_name(device) if device.type == "cuda" else "")


@cache
def _tuning(gpu: str) -> Tuning:
    text = resources.files("model.ops.triton").joinpath("tuning.toml").read_text("utf-8")
    return parse_tuning(tomllib.loads(text), gpu)


def parse_tuning(sections: Mapping[str, Mapping[str, Mapping[str, int]]], gpu: str) -> Tuning:
    """The default section, overlaid by that of the longest name with which `gpu` begins."""
    names = [name for name in sections if name != "default" and gpu.startswith(name)]
    own = sections[max(names, key=len)] if names else {}

    def figures(kernel: str) -> dict[str, int]:
        return {**sections["default"][kernel], **own.get(kernel, {})}

    return Tuning(
        norm=RowTuning(**figures("norm")),
        rope_write=_row(figures("rope_write"), "heads"),
        swiglu=_row(figures("swiglu"), "columns"),
        quantise=RowTuning(**figures("quantise")),
        decode=SplitTuning(**figures("decode")),
        verify=SplitTuning(**figures("verify")),
        extend=TileTuning(**figures("extend")),
        gemv=GemvTuning(**figures("gemv")),
        sample=_row(figures("sample"), "tokens"),
    )


def _row(figures: Mapping[str, int], columns: str) -> RowTuning:
    return RowTuning(figures["warps"], figures[columns])
