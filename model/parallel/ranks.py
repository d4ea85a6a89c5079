"""What the ranks of a tensor-parallel group do together during a step."""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from model.ops.reference import wide
from model.parallel.symmetric import SymmetricSum, open_symmetric

_INLINE = 512  # ints of a plan that travel with its length: enough for most short steps
ANY_TIME = timedelta(days=3650)  # between two plans, for example


@dataclass(frozen=True, slots=True)
class Sums:
    """How results of type `part` are added: in fp32 or not; by one kernel up to `small` bytes."""

    part: torch.dtype
    in_fp32: bool
    small: int

    @property
    def dtype(self) -> torch.dtype:
        """The format of the sum."""
        return torch.promote_types(self.part, torch.float32) if self.in_fp32 else self.part


class Ranks:
    """A group of processes, one rank each.

    Plans travel between CPUs (gloo), so that a worker may wait for the next one
    for hours without using its device; tensors travel by gloo or NCCL, as the
    device asks. Sums are in fp32 (fp64 for fp64), or with `in_fp32` False in the
    format of their parts; small ones go by `small` where it is given. Every
    operation raises RuntimeError when a peer is gone, or late by more than
    `limit` with its part of a step.
    """

    def __init__(
        self,
        plans: Any,
        tensors: Any,
        limit: timedelta,
        *,
        in_fp32: bool = True,
        small: SymmetricSum | None = None,
    ) -> None:
        self.rank: int = plans.rank()
        self.size: int = plans.size()
        self._plans = plans
        self._tensors = tensors
        self._limit = limit
        self._in_fp32 = in_fp32
        self._small = small

    @property
    def leads(self) -> bool:
        """See Collective."""
        return self.rank == 0

    def all_reduce(self, partial: Tensor) -> Tensor:
        """See Collective; who adds it to something else rounds it then, once."""
        from torch.distributed import AllreduceOptions

        if self._small is not None and self._small.takes(partial):
            return self._small(partial)
        options = AllreduceOptions()
        options.timeout = self._limit
        options.asyncOp = False  # on the current stream, where a graph is recorded
        total = (wide(partial) if self._in_fp32 else partial).contiguous()
        self._tensors.allreduce([total], options).wait()
        return total

    def gather(self, logits: Tensor, vocabulary: int) -> Tensor:
        """See Collective."""
        from torch.distributed import GatherOptions

        each = -(-vocabulary // self.size)
        padded = functional.pad(logits, (0, each - logits.shape[-1])).contiguous()
        if padded.shape[0] == 0:
            return padded.new_empty((0, vocabulary))
        options = GatherOptions()
        options.rootRank, options.timeout = 0, self._limit
        options.asyncOp = False
        parts = [[torch.empty_like(padded) for _ in range(self.size)]] if self.rank == 0 else []
        self._tensors.gather(parts, [padded], options).wait()
        return torch.cat(parts[0], dim=-1)[:, :vocabulary] if parts else padded

    def send_plan(self, numbers: array[int]) -> None:
        """Rank 0: hand the numbers of a plan to all; an empty run tells them to stop."""
        first = torch.zeros(_INLINE, dtype=torch.int32)
        head = torch.tensor([len(numbers), *numbers[: _INLINE - 1]], dtype=torch.int32)
        first[: len(head)] = head
        self._broadcast(first)
        if rest := numbers[_INLINE - 1 :]:
            self._broadcast(torch.frombuffer(rest, dtype=torch.int32))

    def receive_plan(self) -> array[int]:
        """Other ranks: the numbers of the next plan, waiting as long as it takes."""
        first = torch.zeros(_INLINE, dtype=torch.int32)
        self._broadcast(first)
        length = int(first[0])
        numbers = array("i", first[1 : length + 1].tolist())
        if length > len(numbers):
            rest = torch.zeros(length - len(numbers), dtype=torch.int32)
            self._broadcast(rest)
            numbers.frombytes(rest.numpy().tobytes())
        return numbers

    def abort(self) -> None:
        """Make a device that waits for a peer give up; callable from any thread.

        (gloo notices by itself that a peer is gone.)
        """
        if self._tensors is not self._plans:
            self._tensors.abort()

    def _broadcast(self, tensor: Tensor) -> None:
        from torch.distributed import BroadcastOptions

        options = BroadcastOptions()
        options.rootRank, options.timeout = 0, ANY_TIME
        self._plans.broadcast([tensor], options).wait()


def connect(
    store: Any,
    rank: int,
    size: int,
    device: torch.device,
    *,
    meeting: timedelta,
    step: timedelta,
    local: bool,
    sums: Sums,
) -> Ranks:
    """Meet the other ranks at `store` and return the group.

    All must come within `meeting`, or it raises RuntimeError; `step` bounds the
    wait for a peer during a step. `local` keeps plans, and tensors on a CPU, on
    the loopback interface. `sums` are the same on every rank.
    """
    from torch import distributed as dist
    from torch.distributed import PrefixStore  # type: ignore[attr-defined]

    store.set_timeout(meeting)
    gloo: Any = dist.ProcessGroupGloo
    options = gloo._Options()
    options._timeout = meeting
    options._devices = [
        gloo.create_device(hostname="127.0.0.1") if local else gloo.create_default_device()
    ]
    plans = gloo(PrefixStore("plans", store), rank, size, options)
    tensors, small = plans, None
    if device.type == "cuda":
        torch.cuda.set_device(device)
        nccl: Any = dist.ProcessGroupNCCL
        choices = nccl.Options()
        choices._timeout = step
        tensors = nccl(PrefixStore("tensors", store), rank, size, choices)
        if sums.small:
            small = open_symmetric(store, plans, device, sums.dtype, sums.small)
    return Ranks(plans, tensors, step, in_fp32=sums.in_fp32, small=small)
