"""Loading is strict: what does not fit is named, with the remedy."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from model.checkpoint.open import load_checkpoint
from model.checkpoint.weights import HEAD, load_weights, random_weights
from model.config.config import read_config
from model.errors import CheckpointError

CPU = torch.device("cpu")


@pytest.fixture
def folder(make_checkpoint: Callable[..., Path]) -> Path:
    return make_checkpoint(num_hidden_layers=2, layer_types=["full_attention"] * 2)


def tensors_of(folder: Path) -> dict[str, torch.Tensor]:
    return load_file(folder / "model.safetensors")


def failure(folder: Path) -> str:
    with pytest.raises(CheckpointError) as caught:
        load_checkpoint(folder, device="cpu")
    return str(caught.value)


def test_shards_load_as_one_file_does(folder: Path) -> None:
    config = read_config(folder)
    whole = load_weights(folder, config, device=CPU, dtype=torch.float32)
    shard(folder)
    parts = load_weights(folder, config, device=CPU, dtype=torch.float32)
    assert torch.equal(whole.head, parts.head)
    assert torch.equal(whole.layers[1].qkv, parts.layers[1].qkv)


def shard(folder: Path) -> None:
    """Split the single file in two, with an index."""
    tensors = tensors_of(folder)
    names = sorted(tensors)
    weight_map = {}
    for number, part in enumerate((names[::2], names[1::2]), start=1):
        file = f"model-{number:05}-of-00002.safetensors"
        save_file({name: tensors[name] for name in part}, folder / file)
        weight_map |= dict.fromkeys(part, file)
    (folder / "model.safetensors").unlink()
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": weight_map}))


def test_merged_matrices_hold_their_parts_in_order(folder: Path) -> None:
    tensors = tensors_of(folder)
    layer = load_weights(folder, read_config(folder), device=CPU, dtype=torch.float32).layers[1]
    prefix = "model.layers.1."
    for merged, names in (
        (layer.qkv, ["self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"]),
        (layer.gate_up, ["mlp.gate_proj", "mlp.up_proj"]),
    ):
        parts = [tensors[f"{prefix}{name}.weight"] for name in names]
        for part, expected in zip(merged.split([len(p) for p in parts]), parts, strict=True):
            assert torch.equal(part, expected)


def test_the_number_format_is_the_wanted_one(folder: Path) -> None:
    assert load_checkpoint(folder, device="cpu").weights.head.dtype == torch.float32
    narrow = load_checkpoint(folder, device="cpu", dtype="bfloat16").weights
    assert {narrow.head.dtype, narrow.layers[0].down.dtype} == {torch.bfloat16}


def test_missing_unexpected_and_misshaped_tensors_are_all_listed(folder: Path) -> None:
    tensors = tensors_of(folder)
    del tensors["model.layers.1.mlp.up_proj.weight"]
    tensors["model.layers.0.self_attn.q_norm.weight"] = torch.ones(8)
    tensors["model.norm.weight"] = torch.ones(47)
    save_file(tensors, folder / "model.safetensors")
    said = failure(folder)
    assert "missing: model.layers.1.mlp.up_proj.weight" in said
    assert "unexpected: model.layers.0.self_attn.q_norm.weight" in said
    assert "wrong shape: model.norm.weight is [47], expected [48]" in said


@pytest.mark.parametrize("kept", [0, 4, 200, 0.5, -1])
def test_a_truncated_file_is_called_truncated(folder: Path, kept: float) -> None:
    path = folder / "model.safetensors"
    content = path.read_bytes()
    path.write_bytes(content[: int(kept * len(content)) if kept == 0.5 else int(kept)])
    said = failure(folder)
    assert str(path) in said
    assert "damaged or truncated" in said
    assert "download it again" in said


def test_a_missing_shard_is_named(folder: Path) -> None:
    shard(folder)
    (folder / "model-00002-of-00002.safetensors").unlink()
    said = failure(folder)
    assert "lacks 1 of 2 weight files (model-00002-of-00002.safetensors)" in said


@pytest.mark.parametrize(
    "content", ["{", "{}", "[]", '{"weight_map": [1]}', '{"weight_map": {"a": 1}}']
)
def test_a_damaged_index_is_named(folder: Path, content: str) -> None:
    (folder / "model.safetensors.index.json").write_text(content)
    assert "cannot read the weight_map" in failure(folder)


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json", "model.safetensors"])
def test_each_missing_file_is_named(folder: Path, name: str) -> None:
    (folder / name).unlink()
    assert name in failure(folder)


def test_integer_weights_are_refused(folder: Path) -> None:
    tensors = tensors_of(folder)
    tensors["model.norm.weight"] = torch.ones(48, dtype=torch.int8)
    save_file(tensors, folder / "model.safetensors")
    assert "stored as torch.int8" in failure(folder)


def test_a_tokenizer_larger_than_the_model_is_refused(make_checkpoint: Callable[..., Path]) -> None:
    folder = make_checkpoint(vocab_size=530, eos_token_id=1)
    assert "536 tokens, the model only 530" in failure(folder)


def test_a_head_beside_tied_embeddings_must_be_the_same(
    make_checkpoint: Callable[..., Path],
) -> None:
    folder = make_checkpoint(
        tie_word_embeddings=True, num_hidden_layers=1, layer_types=["full_attention"]
    )
    tensors = tensors_of(folder)
    tensors[HEAD] = tensors["model.embed_tokens.weight"].clone()
    save_file(tensors, folder / "model.safetensors")
    weights = load_checkpoint(folder, device="cpu").weights
    assert weights.head is weights.embedding
    tensors[HEAD][3, 3] += 1
    save_file(tensors, folder / "model.safetensors")
    assert "tie_word_embeddings" in failure(folder)


def test_random_weights_follow_the_seed(folder: Path) -> None:
    config = read_config(folder)
    one, same, other = (
        random_weights(config, seed=seed, device=CPU, dtype=torch.float32) for seed in (1, 1, 2)
    )
    assert torch.equal(one.layers[0].qkv, same.layers[0].qkv)
    assert not torch.equal(one.layers[0].qkv, other.layers[0].qkv)
    assert one.layers[0].gate_up.std().item() == pytest.approx(0.02, rel=0.1)


def test_a_checkpoint_with_byte_ranks_and_the_full_vocabulary_loads(
    make_checkpoint: Callable[..., Path], llama3_file: Path
) -> None:
    folder = make_checkpoint(
        vocab_size=128256,
        eos_token_id=[128001, 128008, 128009],
        num_hidden_layers=1,
        layer_types=["full_attention"],
    )
    (folder / "tokenizer.json").unlink()
    (folder / "tokenizer.model").symlink_to(llama3_file)
    checkpoint = load_checkpoint(folder, device="cpu")
    assert checkpoint.tokenizer.size == checkpoint.config.vocabulary == 128256
    assert checkpoint.tokenizer.encode_text("\n\n") == [271]
