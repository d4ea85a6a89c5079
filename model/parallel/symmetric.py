"""The sum over ranks by one kernel that reads the peers' memory, for the sums of decode steps.

Each rank writes its part into a buffer that all others have mapped; a kernel of
torch waits for the peers, adds all parts in the order of the ranks and stores
the sum. That is one launch and one way over the link, where NCCL's ring takes
several; for long messages the ring moves fewer bytes. The order of the sum does
not depend on where a number lies, so it suits steps with fixed rows, too.
"""

from __future__ import annotations

import logging
from typing import Any

import torch
from torch import Tensor

SMALL = 512 * 2**10
"""Bytes up to which the kernel is taken; 21 rows of the 32B model in fp32."""
_WORD = 16  # bytes that the kernel moves at once; parts of another length go by NCCL
_FORMATS = (torch.float32, torch.bfloat16)  # those that it adds
_NAME: Any = "cwm-agent-symmetric"  # newer versions of torch give names a type of their own


def symmetric_bytes(fixed_rows: int, hidden: int) -> int:
    """Size of a rank's buffer: small sums, and a step of `fixed_rows` (0: none are fixed).

    Fixed rows promise the same sum wherever a row stands, which NCCL does not
    for more than two ranks: so the whole step must fit.
    """
    return max(SMALL, fixed_rows * hidden * torch.float32.itemsize)


class SymmetricSum:
    """Adds up to the size of `buffer`, which every rank of the registered group has mapped."""

    def __init__(self, buffer: Tensor, group: Any) -> None:
        self._buffer = buffer
        self._group = group  # torch's registry only knows it as long as somebody holds it

    def takes(self, partial: Tensor) -> bool:
        """Whether these numbers fit, all ranks having the same shape."""
        count, item = partial.numel(), self._buffer.itemsize
        return 0 < count <= self._buffer.numel() and count * item % _WORD == 0

    def __call__(self, partial: Tensor) -> Tensor:
        """The sum over all ranks in the format of the buffer; waits for nothing on the host."""
        mine = self._buffer[: partial.numel()].view(partial.shape)
        # The last sum ended on every rank only when all had read: the buffer is free.
        mine.copy_(partial)
        total = torch.empty_like(mine)
        torch.ops.symm_mem.one_shot_all_reduce_out(mine, "sum", _NAME, total)
        return total


def open_symmetric(
    store: Any, plans: Any, device: torch.device, dtype: torch.dtype, size: int
) -> SymmetricSum | None:
    """Map `size` bytes of each rank in all others; None on every rank if one of them cannot.

    `store` is the ranks' own, `plans` their gloo group, by which they agree.
    """
    reaches = _reaches_all(plans, device)  # asks the others: before `dtype` can end it
    if not _agreed(plans, reaches and dtype in _FORMATS):
        return None
    found, reason = None, "another rank could not"
    try:
        found = _map(store, plans, device, dtype, size)
    except (RuntimeError, AttributeError) as error:  # the driver's refusal; another torch
        reason = str(error).partition("\n")[0]
    if _agreed(plans, found is not None):
        return found
    if plans.rank() == 0:
        logging.getLogger(__name__).warning(
            "the GPUs cannot map each other's memory (%s); all sums go by NCCL", reason
        )
    return None


def _reaches_all(plans: Any, device: torch.device) -> bool:
    """Whether this rank's card may read every other's. All take part, whatever they find.

    Ranks on several machines have cards of the same number: then the answer is no.
    """
    mine = torch.tensor([-1 if device.index is None else device.index])
    parts = [torch.empty_like(mine) for _ in range(plans.size())]
    plans.allgather([parts], [mine]).wait()
    cards = [int(part) for part in parts]
    count = torch.cuda.device_count()
    if len(set(cards)) < len(cards) or not all(0 <= card < count for card in cards):
        return False
    return all(
        torch.cuda.can_device_access_peer(device, card) for card in cards if card != device.index
    )


def _agreed(plans: Any, mine: bool) -> bool:
    """Whether all ranks say yes."""
    votes = torch.tensor([int(mine)])
    plans.allreduce([votes]).wait()
    return bool(int(votes) == plans.size())


def _map(
    store: Any, plans: Any, device: torch.device, dtype: torch.dtype, size: int
) -> SymmetricSum:
    """Raises RuntimeError when the driver refuses."""
    from torch.distributed import _symmetric_memory as symmetric

    group = register_group(store, plans)
    buffer = symmetric.empty(size // dtype.itemsize, dtype=dtype, device=device)
    symmetric.rendezvous(buffer, _NAME)
    return SymmetricSum(buffer, group)


def register_group(store: Any, plans: Any) -> Any:
    """Give torch's registry a group of these ranks, by whose name its kernels find them."""
    from torch import distributed as dist
    from torch._C import _distributed_c10d as registry
    from torch.distributed import PrefixStore  # type: ignore[attr-defined]

    group: Any = dist.ProcessGroup(PrefixStore("symmetric", store), plans.rank(), plans.size())
    group._register_backend(torch.device("cpu"), dist.ProcessGroup.BackendType.GLOO, plans)
    group._set_group_name(_NAME)
    group._set_group_desc(_NAME)
    registry._register_process_group(_NAME, group)
    return group
