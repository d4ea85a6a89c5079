"""How the ranks of a group exchange tensors, and the group of one."""

from __future__ import annotations

from typing import Protocol

from torch import Tensor


class Collective(Protocol):
    """The joints of a sharded forward pass."""

    @property
    def leads(self) -> bool:
        """Whether this rank gets the gathered logits."""

    def all_reduce(self, partial: Tensor) -> Tensor:
        """The sum over all ranks, on each of them; `partial` may be overwritten.

        In the format of the sum, which may be wider than that of `partial`.
        """

    def gather(self, logits: Tensor, vocabulary: int) -> Tensor:
        """(rows, part of the vocabulary) of each rank -> (rows, vocabulary) on rank 0.

        The other ranks get a tensor that nobody may read.
        """


class Alone:
    """One rank: nothing to join."""

    leads = True

    def all_reduce(self, partial: Tensor) -> Tensor:
        """See Collective."""
        return partial

    def gather(self, logits: Tensor, vocabulary: int) -> Tensor:  # noqa: ARG002 (it is complete)
        """See Collective."""
        return logits
