"""For which numbers of rows a decode step is captured as a CUDA graph."""

from __future__ import annotations

_STEP = 16


def graph_sizes(most: int) -> tuple[int, ...]:
    """1, 2, 4, 8, 16, then every 16 up to `most`, which is always the last.

    A step with a number between two sizes is padded to the larger one.
    """
    powers = [size for size in (1, 2, 4, 8) if size < most]
    return (*powers, *range(_STEP, most, _STEP), most)


def padded_size(sizes: tuple[int, ...], rows: int) -> int | None:
    """The smallest size that holds `rows`; None if there is none."""
    return next((size for size in sizes if size >= rows), None)
