"""What the search tries for each kernel: the current row of tuning.toml and its neighbours."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product

Row = dict[str, int]

GRIDS: dict[str, dict[str, tuple[int, ...]]] = {
    "norm": {"warps": (2, 4, 8, 16)},
    "rope_write": {"heads": (4, 8, 16, 32, 64), "warps": (2, 4, 8)},
    "swiglu": {"columns": (512, 1024, 2048, 4096), "warps": (2, 4, 8)},
    "quantise": {"warps": (4, 8, 16, 32)},
    "sample": {"tokens": (512, 1024, 2048, 4096), "warps": (4, 8)},
    "decode": {
        "split": (256, 512, 1024, 2048), "keys": (32, 64, 128), "warps": (2, 4, 8),
        "stages": (3, 4, 5, 6),
    },
    "verify": {
        "split": (256, 512, 1024), "keys": (32, 64, 128), "warps": (4, 8), "stages": (3, 4, 5),
    },
    "extend": {
        "queries": (64, 128, 256), "keys": (32, 64, 128), "warps": (4, 8), "stages": (2, 3, 4, 5),
    },
    "gemv": {
        "outputs": (16, 32, 64, 128), "inputs": (64, 128, 256, 512), "programs": (132, 256, 528),
        "warps": (2, 4, 8), "stages": (3, 4, 5),
    },
}  # fmt: skip
"""The values worth trying; what fits no program of the GPU is left out when it is tried."""


def candidates(kernel: str, current: Mapping[str, int], most: int) -> list[Row]:
    """Up to `most` rows, the current one first, then by how many values differ from it.

    Rows that differ in one value say most for their time; those of the same distance are
    ordered by how far their values are moved along the grid.
    """
    grid = GRIDS[kernel]

    def steps(row: Row) -> tuple[int, int]:
        moved = [
            abs(_place(values, row[n]) - _place(values, current[n])) for n, values in grid.items()
        ]
        return sum(move > 0 for move in moved), sum(moved)

    rows = [
        {**current, **dict(zip(grid, values, strict=True))} for values in product(*grid.values())
    ]
    others = sorted((row for row in rows if row != dict(current)), key=steps)
    return [dict(current), *others][:most]


def _place(values: tuple[int, ...], value: int) -> int:
    """The index of the entry next to a value, which may be none of them."""
    return min(range(len(values)), key=lambda i: abs(values[i] - value))
