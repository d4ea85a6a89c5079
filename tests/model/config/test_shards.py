"""The parts of all ranks put together are the whole."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from engines import CONFIG, CPU

from model.checkpoint.source import WeightSource
from model.checkpoint.weights import Weights
from model.config.config import read_config
from model.config.shards import Shard, degrees, shard_config
from model.errors import ConfigError


@pytest.fixture
def folder(make_checkpoint: Callable[..., Path]) -> Path:
    kinds = ["full_attention"] * 2
    return make_checkpoint(num_hidden_layers=2, layer_types=kinds, vocab_size=537)


@pytest.mark.parametrize("random", [False, True])
def test_ranks_hold_all_of_the_model_and_nothing_twice(folder: Path, random: bool) -> None:
    config = read_config(folder)
    source = WeightSource(CPU, torch.float64, None if random else folder, seed=5)
    whole = source.load(config)
    parts = [source.load(config, Shard(rank, 2)) for rank in range(2)]
    for index, layer in enumerate(whole.layers):
        mine = [part.layers[index] for part in parts]
        assert torch.equal(torch.cat([p.output for p in mine], 1), layer.output)
        assert torch.equal(torch.cat([p.down for p in mine], 1), layer.down)
        assert torch.equal(mine[0].attention_norm, layer.attention_norm)
        widths = [config.heads * config.head_dim] + [config.kv_heads * config.head_dim] * 2
        assert torch.equal(joined([p.qkv for p in mine], [w // 2 for w in widths]), layer.qkv)
        half = config.intermediate // 2
        assert torch.equal(joined([p.gate_up for p in mine], [half, half]), layer.gate_up)
    assert torch.equal(torch.cat([p.head for p in parts]), whole.head)
    assert [len(p.head) for p in parts] == [269, 268]
    assert all(torch.equal(p.embedding, whole.embedding) for p in parts)


def joined(parts: list[torch.Tensor], widths: list[int]) -> torch.Tensor:
    """Put merged matrices together: each of their parts separately."""
    split = [part.split(widths) for part in parts]
    return torch.cat([torch.cat(same) for same in zip(*split, strict=True)])


def test_tied_embeddings_give_each_rank_its_rows_as_head(folder: Path) -> None:
    config = replace(read_config(folder), tied_embeddings=True)
    weights: Weights = WeightSource(CPU, torch.float32).load(config, Shard(1, 2))
    assert torch.equal(weights.head, weights.embedding[269:])


def test_a_model_that_cannot_be_divided_is_refused_with_the_numbers() -> None:
    with pytest.raises(ConfigError, match=r"2 key/value heads .* among 3 ranks; .* model: 1, 2$"):
        shard_config(CONFIG, 3)
    with pytest.raises(ConfigError, match=r"47 feed-forward units .* among 2 ranks; .* model: 1$"):
        shard_config(replace(CONFIG, intermediate=47), 2)


def test_three_heads_for_keys_and_values_go_to_three_ranks() -> None:
    """Nine query heads read them, as in SmolLM2: no two ranks could have as many of each."""
    config = replace(CONFIG, heads=9, kv_heads=3)
    with pytest.raises(ConfigError, match=r"3 key/value heads .* among 2 ranks; .* model: 1, 3$"):
        shard_config(config, 2)
    assert (shard_config(config, 3).heads, shard_config(config, 3).kv_heads) == (3, 1)
    assert degrees(config, 8) == [1, 3]
