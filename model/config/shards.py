"""How the weights of a model are divided among the ranks of a tensor-parallel group.

Each rank keeps whole attention heads and a slice of the inner dimension of the
feed-forward block: the first matrix of a block is cut by rows, the second by
columns, so that one sum over the ranks ends each block (Megatron-LM, arXiv
1909.08053). The head is cut by vocabulary; embedding and norms are everywhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from model.config.config import ModelConfig
from model.errors import ConfigError

_BY_ROWS = ("q_proj", "k_proj", "v_proj", "gate_proj", "up_proj", "lm_head")
_BY_COLUMNS = ("o_proj", "down_proj")


@dataclass(frozen=True, slots=True)
class Shard:
    """The part of rank `rank` among `size`."""

    rank: int
    size: int

    def span(self, length: int) -> slice:
        """This rank's part of a dimension; the last ranks get less when it does not divide."""
        each = -(-length // self.size)
        return slice(min(self.rank * each, length), min((self.rank + 1) * each, length))

    def of(self, name: str, shape: Sequence[int]) -> tuple[slice, ...]:
        """This rank's part of the checkpoint tensor `name`, one slice a dimension."""
        kind = name.removesuffix(".weight").rpartition(".")[2]
        whole = tuple(slice(0, length) for length in shape)
        if kind in _BY_ROWS:
            return (self.span(shape[0]), *whole[1:])
        if kind in _BY_COLUMNS:
            return (whole[0], self.span(shape[1]))
        return whole


WHOLE = Shard(0, 1)


def degrees(config: ModelConfig, most: int) -> list[int]:
    """Among how many ranks, from 1 to `most`, the model can be divided."""
    heads, units = config.kv_heads, config.intermediate
    return [size for size in range(1, most + 1) if heads % size == 0 and units % size == 0]


def shard_config(config: ModelConfig, size: int) -> ModelConfig:
    """What each of `size` ranks computes: fewer heads, a narrower feed-forward block.

    The vocabulary stays that of the model. Each key/value head goes with the
    query heads that read it, so both are whole. Raises ConfigError when they or
    the feed-forward block cannot be divided evenly.
    """
    if size not in degrees(config, size):
        able = ", ".join(map(str, degrees(config, config.kv_heads)))
        raise ConfigError(
            f"the model's {config.kv_heads} key/value heads and {config.intermediate} feed-forward "
            f"units cannot be divided evenly among {size} ranks; tensor-parallel degrees for this "
            f"model: {able}"
        )
    return replace(
        config,
        heads=config.heads // size,
        kv_heads=config.kv_heads // size,
        intermediate=config.intermediate // size,
    )
