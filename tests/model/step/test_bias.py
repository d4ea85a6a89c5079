"""What is added to logits before a token is drawn."""

from __future__ import annotations

import torch

from model.step.sampler import GREEDY, Draw, sample


def test_a_bias_moves_its_own_row_alone_and_a_mask_counts_more() -> None:
    logits = torch.tensor([[1.0, 2.0, 0.0]]).repeat(3, 1)
    before = logits.clone()
    allowed = torch.tensor([False, True, True])
    draws = [
        Draw(GREEDY, 0, 0, bias={0: 5.0}),
        Draw(GREEDY, 0, 0),
        Draw(GREEDY, 0, 0, allowed, {0: 5.0, 2: 3.0}),
    ]
    assert sample(logits, draws) == [0, 1, 2]
    assert torch.equal(logits, before)
