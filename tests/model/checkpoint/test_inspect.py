"""What can be said of a folder without reading its weights."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from dcp_files import params, to_original, write_dcp
from safetensors.torch import load_file, save_file

from model.checkpoint.inspect import inspect_checkpoint, kv_memory
from model.checkpoint.weights import tensor_shapes
from model.config.config import parse_config


@pytest.fixture
def folder(make_checkpoint: Callable[..., Path]) -> Path:
    return make_checkpoint()


def published() -> dict[str, Any]:
    """The 32B shape, 17 of 64 layers full."""
    kinds = ["full_attention" if i % 4 == 0 or i == 63 else "sliding_attention" for i in range(64)]
    return {
        "model_type": "cwm",
        "hidden_size": 6144,
        "intermediate_size": 21504,
        "num_hidden_layers": 64,
        "num_attention_heads": 48,
        "num_key_value_heads": 8,
        "head_dim": 128,
        "vocab_size": 128256,
        "max_position_embeddings": 131072,
        "rms_norm_eps": 1e-5,
        "layer_types": kinds,
        "sliding_window": 8192,
        "rope_parameters": {"rope_theta": 1e6},
    }


def test_the_published_shape_has_the_published_figures() -> None:
    from math import prod

    config = parse_config(published())
    memory = kv_memory(config, "bfloat16")
    assert memory.per_token == 68 * 1024
    assert memory.constant == 47 * 4096 * 8192
    assert sum(map(prod, tensor_shapes(config).values())) == 32_581_097_472


def test_a_good_checkpoint_is_described(folder: Path) -> None:
    found = inspect_checkpoint(folder)
    assert found.problems == ()
    assert found.notes == ()
    assert (found.layout, found.model_type, found.context) == ("hf", "cwm", 512)
    assert found.attention.pattern == "FSSSFSSF"
    assert (found.attention.full, found.attention.sliding) == (3, 5)
    assert found.attention.windows == (16,)
    tensors = load_file(folder / "model.safetensors")
    assert found.parameters == sum(t.numel() for t in tensors.values())
    assert found.dtypes == {"float32": len(tensors)}
    assert found.files == 1
    assert found.bytes_on_disk > 4 * found.parameters
    assert found.tokenizer is not None
    assert (found.tokenizer.kind, found.tokenizer.tokens) == ("tokenizer.json", 536)
    assert found.tokenizer.control["<|eot_id|>"] == 289
    assert found.tokenizer.lacking == ()


@pytest.mark.filterwarnings("ignore:torch.distributed is disabled")
def test_both_layouts_are_described_alike(folder: Path) -> None:
    original = to_original(load_file(folder / "model.safetensors"), head_dim=8)
    target = folder.parent / "dcp"
    write_dcp(target, original, params())
    (folder / "tokenizer.json").rename(target / "tokenizer.json")
    ours = inspect_checkpoint(target)
    assert (ours.layout, ours.problems, ours.notes) == ("dcp", (), ())
    assert ours.attention.pattern == "FSSSFSSF"
    assert ours.dtypes == {"float32": len(original)}
    assert ours.eos_ids == (281, 288, 289)
    assert ours.bytes_on_disk == sum(p.stat().st_size for p in target.glob("*.distcp"))


def test_problems_are_what_loading_would_say(folder: Path) -> None:
    tensors = load_file(folder / "model.safetensors")
    del tensors["model.norm.weight"]
    save_file(tensors, folder / "model.safetensors")
    (folder / "tokenizer.json").write_text("{}")
    found = inspect_checkpoint(folder)
    assert len(found.problems) == 2
    assert "missing: model.norm.weight" in found.problems[0]
    assert "tokenizer.json" in found.problems[1]


def test_a_configuration_alone_is_enough_for_random_weights(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    (folder / "tokenizer.json").unlink()
    assert len(inspect_checkpoint(folder).problems) == 2
    found = inspect_checkpoint(folder, random=True)
    assert found.problems == ()
    assert found.kv.per_token == 2 * 3 * 2 * 8 * 2  # K and V, full layers, heads, head_dim, bf16


def test_what_differs_from_the_published_model_is_noted(
    make_checkpoint: Callable[..., Path],
) -> None:
    folder = make_checkpoint(
        "odd",
        num_hidden_layers=2,
        layer_types=["full_attention", "sliding_attention"],
        tie_word_embeddings=True,
        eos_token_id=[281],
    )
    notes = " ".join(inspect_checkpoint(folder).notes)
    assert "last layer has a window" in notes
    assert "tied" in notes
    assert "<|eot_id|> is not among" in notes
