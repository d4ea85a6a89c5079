"""Block sizes, warps and stages as data: `tuning.toml` beside this file, by GPU name."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import TypeAlias

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


Figures: TypeAlias = RowTuning | SplitTuning | TileTuning | GemvTuning
Sections: TypeAlias = Mapping[str, Mapping[str, Mapping[str, int]]]

_COLUMNS = {"rope_write": "heads", "swiglu": "columns", "sample": "tokens"}  # as the file says it


def tuning_for(device: torch.device) -> Tuning:
    """The figures for the kind of GPU that `device` is; the default for unknown ones."""
    return _tuning(torch.cuda.get_device_name(device) if device.type == "cuda" else "")


@cache
def _tuning(gpu: str) -> Tuning:
    return parse_tuning(read_sections(), gpu)


def read_sections() -> Sections:
    """tuning.toml: figures by GPU name (or "default") and kernel."""
    text = resources.files("model.ops.triton").joinpath("tuning.toml").read_text("utf-8")
    return tomllib.loads(text)


def section_of(sections: Sections, gpu: str) -> str | None:
    """The longest name of a section with which `gpu` begins."""
    names = [name for name in sections if name != "default" and gpu.startswith(name)]
    return max(names, key=len, default=None)


def rows_for(sections: Sections, gpu: str) -> dict[str, dict[str, int]]:
    """By kernel: the default section, overlaid by that of the GPU."""
    own = sections.get(section_of(sections, gpu) or "", {})
    return {kernel: {**row, **own.get(kernel, {})} for kernel, row in sections["default"].items()}


def figures_of(kernel: str, row: Mapping[str, int]) -> Figures:
    """One kernel's figures from its row of the file."""
    match kernel:
        case "decode" | "verify":
            return SplitTuning(**row)
        case "extend":
            return TileTuning(**row)
        case "gemv":
            return GemvTuning(**row)
        case _:
            columns = row[_COLUMNS[kernel]] if kernel in _COLUMNS else 0
            return RowTuning(row["warps"], columns)


def parse_tuning(sections: Sections, gpu: str) -> Tuning:
    """All figures for a GPU of that name."""
    rows = rows_for(sections, gpu)
    return Tuning(**{kernel: figures_of(kernel, row) for kernel, row in rows.items()})  # type: ignore[arg-type]
