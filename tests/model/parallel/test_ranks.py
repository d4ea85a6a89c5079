"""What two ranks do together, over gloo in two threads."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import torch
from torch import Tensor

from model.parallel.ranks import Ranks, Sums, connect
from model.parallel.symmetric import SMALL

SOON = timedelta(seconds=30)
PARTS = (torch.tensor([1.0, 256.0, 3.0]), torch.tensor([2.0**-7, 1.0, -3.0]))


def sum_of(part: torch.dtype, *, in_fp32: bool) -> list[Tensor]:
    """What each rank gets as the sum of PARTS."""
    from torch.distributed import HashStore  # type: ignore[attr-defined]

    store = HashStore()
    sums = Sums(part, in_fp32=in_fp32, small=SMALL)

    def rank_of(rank: int) -> Ranks:
        device = torch.device("cpu")
        return connect(store, rank, 2, device, meeting=SOON, step=SOON, local=True, sums=sums)

    with ThreadPoolExecutor(2) as pool:
        ranks = list(pool.map(rank_of, range(2)))
        return list(pool.map(lambda rank: rank.all_reduce(PARTS[rank.rank].to(part)), ranks))


def test_sums_are_in_fp32_and_keep_what_bf16_would_lose() -> None:
    for total in sum_of(torch.bfloat16, in_fp32=True):
        assert total.dtype == torch.float32
        assert total.tolist() == [1.0 + 2.0**-7, 257.0, 0.0]


@pytest.mark.parametrize("part", [torch.bfloat16, torch.float16])
def test_sums_may_be_in_the_format_of_their_parts(part: torch.dtype) -> None:
    for total in sum_of(part, in_fp32=False):
        assert total.dtype == part
        assert total.tolist() == (PARTS[0].to(part) + PARTS[1].to(part)).tolist()


def test_a_model_in_fp64_is_added_in_fp64() -> None:
    assert sum_of(torch.float64, in_fp32=True)[0].dtype == torch.float64
