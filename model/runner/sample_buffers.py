"""How each row of a captured step samples, in tensors that keep their place."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from model.ops.triton.sample import SampleInputs
from model.step.pinned import Mirrored
from model.step.sampler import Draw

_FILTERS = frozenset({"top_k", "top_p"})  # a captured step serves them all


class SampleBuffers:
    """Room for the draws of `most` rows; a row without a draw takes the likeliest token."""

    def __init__(self, most: int, device: torch.device) -> None:
        # Seeds, streams, positions, top-k; temperatures, min-p; top-p.
        self._whole = Mirrored(torch.zeros((4, most), dtype=torch.int64), device)
        self._real = Mirrored(torch.zeros((2, most), dtype=torch.float32), device)
        self._mass = Mirrored(torch.ones((1, most), dtype=torch.float64), device)

    def fill(self, draws: Sequence[Draw], size: int) -> None:
        """Set the first `size` rows, behind whatever still reads the last ones."""
        for buffer in (self._whole, self._real, self._mass):
            buffer.wait()
        whole, real = self._whole.host.numpy(), self._real.host.numpy()
        mass = self._mass.host.numpy()
        whole[:, :size], real[:, :size], mass[:, :size] = 0, 0.0, 1.0
        for i, draw in enumerate(draws):
            params = draw.params
            whole[:, i] = [
                _low(params.seed), _low(draw.stream), _low(draw.position), params.top_k
            ]  # fmt: skip
            real[:, i] = params.temperature, params.min_p
            mass[0, i] = params.top_p
        for buffer in (self._whole, self._real, self._mass):
            buffer.send()

    def inputs(self, size: int) -> SampleInputs:
        """The first `size` rows, as views that stay valid."""
        seeds, streams, positions, top_k = self._whole.device[:, :size]
        temperatures, min_p = self._real.device[:, :size]
        return SampleInputs(
            seeds=seeds,
            streams=streams,
            positions=positions,
            temperatures=temperatures,
            top_p=self._mass.device[0, :size],
            min_p=min_p,
            top_k=top_k,
            filters=_FILTERS,
        )


def _low(number: int) -> int:
    """The low 64 bits as a signed number."""
    return (number + 2**63) % 2**64 - 2**63
