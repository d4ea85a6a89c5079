"""The two optimisers: Muon for the matrices of the layers, AdamW for everything else."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from cwm_agent.nano.training.network import Network

_BASE = "base_lr"  # where a group keeps the rate that the schedule scales


@dataclass(frozen=True, slots=True)
class Rates:
    """Learning rates at full scale.

    An update of Muon has all singular values near 1; torch multiplies it by
    sqrt(rows / columns) where that is above 1.
    """

    matrices: float = 0.02
    rest: float = 3e-3
    momentum: float = 0.95
    betas: tuple[float, float] = (0.9, 0.95)
    decay: float = 0.0


class Optimisers:
    """Both optimisers, stepped together."""

    def __init__(self, network: Network, rates: Rates) -> None:
        named = dict(network.named_parameters())
        self._names = {id(weight): name for name, weight in named.items()}
        matrices = [w for name, w in named.items() if name.startswith("layers") and w.ndim == 2]
        chosen = {id(weight) for weight in matrices}
        rest = [weight for weight in named.values() if id(weight) not in chosen]
        self._all: tuple[torch.optim.Optimizer, ...] = (
            torch.optim.Muon(
                matrices,
                lr=rates.matrices,
                momentum=rates.momentum,
                nesterov=True,
                weight_decay=rates.decay,
            ),
            torch.optim.AdamW(rest, lr=rates.rest, betas=rates.betas, weight_decay=0.0, fused=True),
        )
        for group in self._groups():
            group[_BASE] = group["lr"]

    def step(self, scale: float) -> None:
        """Update all weights at `scale` times the full rates, then forget the gradients."""
        for group in self._groups():
            group["lr"] = group[_BASE] * scale
        for optimiser in self._all:
            optimiser.step()
            optimiser.zero_grad(set_to_none=True)

    def state(self) -> dict[str, Tensor]:
        """All moments and counters, named `weight/moment`."""
        return {
            f"{self._names[id(weight)]}/{key}": value
            for optimiser in self._all
            for weight, moments in optimiser.state.items()
            for key, value in moments.items()
        }

    def load(self, state: dict[str, Tensor]) -> None:
        """Put back what `state` gave."""
        for optimiser in self._all:
            for group in optimiser.param_groups:
                for weight in group["params"]:
                    prefix = f"{self._names[id(weight)]}/"
                    optimiser.state[weight] = {
                        name.removeprefix(prefix): value
                        for name, value in state.items()
                        if name.startswith(prefix)
                    }

    def _groups(self) -> Iterable[dict[str, Any]]:
        return [group for optimiser in self._all for group in optimiser.param_groups]
