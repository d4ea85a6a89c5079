"""The exported checkpoint, read by transformers and by our own engine."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import torch

from cwm_agent.nano.training.export import TokenIds, export_network, load_network
from cwm_agent.nano.training.network import Network
from cwm_agent.nano.training.state import StateError
from model.checkpoint.weights import load_weights
from model.config.config import read_config
from model.kvcache.dense import DenseCache
from model.runner.transformer import Transformer

IDS = TokenIds(bos=1, eos=(2, 3), pad=0)


@dataclass(frozen=True)
class Readers:
    network: Network
    theirs: Any
    ours: Transformer


def exported(network: Network, folder: Path, dtype: torch.dtype) -> Path:
    tokenizer = folder / "source" / "tokenizer.json"
    tokenizer.parent.mkdir()
    tokenizer.write_text("{}")
    export_network(network, folder / "checkpoint", tokenizer, IDS, dtype)
    return folder / "checkpoint"


@pytest.fixture
def readers(network: Network, tmp_path: Path) -> Readers:
    from transformers import CwmForCausalLM

    folder = exported(network, tmp_path, torch.float32)
    theirs, info = CwmForCausalLM.from_pretrained(
        folder, dtype=torch.float32, output_loading_info=True
    )
    assert not any(info.values())
    config = read_config(folder)
    weights = load_weights(folder, config, device=torch.device("cpu"), dtype=torch.float32)
    return Readers(network, theirs.eval(), Transformer(config, weights))


@pytest.mark.parametrize("length", [1, 79, 80, 81, 200])
def test_three_implementations_agree(readers: Readers, length: int) -> None:
    ids = torch.randint(0, 96, (length,), generator=torch.Generator().manual_seed(length))
    cache = DenseCache(readers.ours.config, torch.device("cpu"), torch.float32)
    with torch.inference_mode():
        trained = readers.network.logits(ids[None])[0]
        theirs = readers.theirs(ids[None]).logits[0]
        ours = readers.ours.logits(ids, cache, last_only=False)
    assert trained.std() > 0.1  # so the tolerance means something
    torch.testing.assert_close(trained, theirs, atol=1e-4, rtol=0)
    torch.testing.assert_close(trained, ours, atol=1e-4, rtol=0)


def test_the_window_matters_in_this_comparison(readers: Readers) -> None:
    """Weights are large enough that one key too many would be seen."""
    ids = torch.randint(0, 96, (200,), generator=torch.Generator().manual_seed(0))
    wider = Network(replace(readers.network.shape, window=81))
    wider.load_state_dict(readers.network.state_dict())
    with torch.inference_mode():
        difference = wider.logits(ids[None]) - readers.network.logits(ids[None])
    assert difference.abs().max() > 1e-2


def test_bf16_is_the_rounded_network(network: Network, tmp_path: Path) -> None:
    folder = exported(network, tmp_path, torch.bfloat16)
    config = read_config(folder)
    weights = load_weights(folder, config, device=torch.device("cpu"), dtype=torch.float32)
    assert torch.equal(weights.embedding, network.embedding.bfloat16().float())
    assert torch.equal(weights.layers[1].qkv, network.layers[1].qkv.weight.bfloat16().float())  # type: ignore[arg-type]
    assert config.dtype == "bfloat16"
    assert config.eos_ids == (2, 3)
    assert (folder / "tokenizer.json").read_text() == "{}"
    assert len({path.stat().st_mode for path in folder.iterdir()}) == 1
    size = (folder / "model.safetensors").stat().st_size
    assert 2 * network.shape.parameters < size < 2 * network.shape.parameters + 20_000


def test_a_new_run_begins_with_an_exported_checkpoint(network: Network, tmp_path: Path) -> None:
    folder = exported(network, tmp_path, torch.float32)
    other = Network(network.shape)
    other.initialise(seed=99)
    load_network(other, folder)
    for name, tensor in network.state_dict().items():
        assert torch.equal(other.state_dict()[name], tensor), name


def test_a_smaller_vocabulary_gives_the_first_rows(network: Network, tmp_path: Path) -> None:
    folder = exported(network, tmp_path, torch.float32)
    count = network.shape.vocabulary
    longer = Network(replace(network.shape, vocabulary=count + 8))
    longer.initialise(seed=99)
    rest = longer.embedding[count:].clone()
    load_network(longer, folder)
    assert torch.equal(longer.embedding[:count], network.embedding)
    assert torch.equal(longer.embedding[count:], rest)
    assert torch.equal(longer.head.norm.weight, network.head.norm.weight)


def test_a_checkpoint_of_another_shape_is_refused(network: Network, tmp_path: Path) -> None:
    folder = exported(network, tmp_path, torch.float32)
    wider = Network(replace(network.shape, ffn=network.shape.ffn + 8))
    with pytest.raises(StateError, match="a different shape"):
        load_network(wider, folder)
    with pytest.raises(StateError, match="no checkpoint"):
        load_network(wider, tmp_path)
