from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch

from cwm_agent.nano.training.network import Network, Shape

sys.path.insert(0, str(Path(__file__).parent))

TINY = Shape(
    vocabulary=96, hidden=64, layers=5, heads=2, kv_heads=1, head_dim=16, ffn=64, window=80
)


@pytest.fixture(scope="session")
def shape() -> Shape:
    return TINY


@pytest.fixture
def network(shape: Shape) -> Network:
    """Fresh weights, norms randomised so that they matter."""
    torch.set_num_threads(1)
    network = Network(shape)
    network.initialise(seed=1)
    with torch.no_grad():
        for name, weight in network.named_parameters():
            if "norm" in name:
                weight.uniform_(0.5, 1.5)
            elif name != "embedding":
                weight.mul_(5.0)
    return network
