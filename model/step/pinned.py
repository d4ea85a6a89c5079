"""A device tensor that keeps its place, written through an image of it on the host."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor


def new_event(device: torch.device) -> torch.cuda.Event | None:
    """A point in the device's work to wait for; None where the host does the work itself."""
    if device.type != "cuda":
        return None
    event: torch.cuda.Event = torch.cuda.Event()  # type: ignore[no-untyped-call]
    return event


class PinnedBuffer:
    """On CUDA the image is pinned, so that the host need not wait while it is copied.

    It must not be written again before a copy of it is over: `wait` makes sure.
    """

    def __init__(self, initial: Tensor, device: torch.device) -> None:
        self.host = initial.pin_memory() if device.type == "cuda" else initial
        self.device = initial.to(device, copy=True)
        self._sent = new_event(device)

    def wait(self) -> None:
        """Until everything that was sent has left the host; usually it has."""
        if self._sent is not None:
            self._sent.synchronize()

    def send(self) -> None:
        """Copy everything."""
        self.device.copy_(self.host, non_blocking=True)
        self._mark()

    def set_row(self, row: int, values: np.ndarray[tuple[int, ...], np.dtype[np.int32]]) -> None:
        """Write the beginning of a row, and send it if it changed: pages mostly stay."""
        image = self.host.numpy()[row, : len(values)]
        if not np.array_equal(image, values):
            image[:] = values
            part = slice(0, len(values))
            self.device[row, part].copy_(self.host[row, part], non_blocking=True)
            self._mark()

    def _mark(self) -> None:
        if self._sent is not None:
            self._sent.record()
