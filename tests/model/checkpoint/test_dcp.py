"""Distributed checkpoints: the same model as in Hugging Face's layout, or a clear refusal."""

from __future__ import annotations

import json
import os
import pickle
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from dcp_files import interleaved, params, to_original, write_dcp
from safetensors.torch import load_file

from model.checkpoint.dcp import join_halves, read_metadata, split_halves
from model.checkpoint.layouts import Layout, layout_of
from model.checkpoint.open import Checkpoint, load_checkpoint
from model.checkpoint.weights import load_weights
from model.config.config import read_config
from model.config.meta import parse_params
from model.config.rope import rotation
from model.config.shards import Shard
from model.errors import CheckpointError, ConfigError
from model.kvcache.dense import DenseCache
from model.ops.reference import rotate
from model.runner.transformer import Transformer

pytestmark = [
    pytest.mark.filterwarnings("ignore:torch.distributed is disabled"),
    pytest.mark.filterwarnings("ignore:Detected an existing checkpoint"),
]


@pytest.fixture
def hf(make_checkpoint: Callable[..., Path]) -> Path:
    return make_checkpoint("hf")


@pytest.fixture
def folder(hf: Path, tiny_tokenizer: str) -> Path:
    """The model of `hf` as the original code would have saved it."""
    folder = hf.parent / "dcp"
    write_dcp(folder, to_original(load_file(hf / "model.safetensors"), head_dim=8), params())
    (folder / "tokenizer.json").write_text(tiny_tokenizer)
    return folder


def logits(checkpoint: Checkpoint) -> torch.Tensor:
    ids = torch.arange(60) * 7 % 280
    cache = DenseCache(checkpoint.config, torch.device("cpu"), torch.float32)
    return Transformer(checkpoint.config, checkpoint.weights).logits(ids, cache, last_only=False)


def failure(folder: Path) -> str:
    with pytest.raises(CheckpointError) as caught:
        load_checkpoint(folder, device="cpu")
    return str(caught.value)


def test_both_layouts_are_the_same_model(hf: Path, folder: Path) -> None:
    assert (layout_of(hf), layout_of(folder)) == (Layout.HUGGING_FACE, Layout.DISTRIBUTED)
    assert len(list(folder.glob("*.distcp"))) > 100  # in parts, or the test shows little
    theirs, ours = load_checkpoint(hf, device="cpu"), load_checkpoint(folder, device="cpu")
    assert ours.config == replace(theirs.config, dtype="float32")
    assert torch.equal(logits(ours), logits(theirs))


def test_a_rank_gets_the_same_part_from_both_layouts(hf: Path, folder: Path) -> None:
    config, device = read_config(hf), torch.device("cpu")
    theirs, ours = (
        load_weights(where, config, device=device, dtype=torch.float32, shard=Shard(1, 2))
        for where in (hf, folder)
    )
    for name in ("qkv", "output", "gate_up", "down", "attention_norm"):
        assert torch.equal(getattr(ours.layers[3], name), getattr(theirs.layers[3], name))
    assert torch.equal(ours.head, theirs.head)


def test_the_order_of_rows_decides(hf: Path, tiny_tokenizer: str, tmp_path: Path) -> None:
    tensors = load_file(hf / "model.safetensors")
    original = to_original(tensors, head_dim=8)
    original["layers.3.attention.wq.weight"] = tensors["model.layers.3.self_attn.q_proj.weight"]
    write_dcp(tmp_path / "wrong", original, params())
    (tmp_path / "wrong" / "tokenizer.json").write_text(tiny_tokenizer)
    wrong = logits(load_checkpoint(tmp_path / "wrong", device="cpu"))
    assert not torch.allclose(wrong, logits(load_checkpoint(hf, device="cpu")), atol=1e-2)


def test_rotating_neighbours_in_the_original_order_gives_the_same_scores() -> None:
    head_dim, hidden = 16, 24
    generator = torch.Generator().manual_seed(3)
    wq, wk = (torch.randn(2 * head_dim, hidden, generator=generator) for _ in range(2))
    x = torch.randn(5, hidden, generator=generator)
    inverse = 100.0 ** -(torch.arange(0, head_dim, 2) / head_dim)
    angles = torch.arange(5.0)[:, None] * inverse
    turns = rotation(inverse, torch.arange(5))

    def original(rows: torch.Tensor) -> torch.Tensor:
        pairs = torch.view_as_complex((x @ rows.T).view(5, 2, head_dim // 2, 2))
        turned = pairs * torch.polar(torch.ones_like(angles), angles)[:, None]
        return torch.view_as_real(turned).flatten(2)

    def ours(rows: torch.Tensor) -> torch.Tensor:
        heads = (x @ split_halves(rows, head_dim).T).view(5, 2, head_dim)
        return rotate(heads, *turns)

    def scores(form: Callable[[torch.Tensor], torch.Tensor]) -> torch.Tensor:
        return torch.einsum("qhd,khd->hqk", form(wq), form(wk))

    assert torch.allclose(scores(ours), scores(original), atol=1e-4)
    assert torch.equal(join_halves(split_halves(wq, head_dim), head_dim), wq)
    assert torch.equal(join_halves(wq, head_dim), interleaved(wq, head_dim))


def test_a_checkpoint_in_bf16_says_so(hf: Path, tiny_tokenizer: str, tmp_path: Path) -> None:
    tensors = to_original(load_file(hf / "model.safetensors"), head_dim=8)
    target = tmp_path / "narrow"
    write_dcp(target, {name: t.bfloat16() for name, t in tensors.items()}, params())
    (target / "tokenizer.json").write_text(tiny_tokenizer)
    checkpoint = load_checkpoint(target, device="cpu", dtype="bfloat16", quantize="int8")
    assert checkpoint.config.dtype == "bfloat16"
    assert checkpoint.weights.head.dtype == torch.bfloat16


def test_missing_unexpected_and_misshaped_tensors_are_all_listed(
    hf: Path, folder: Path, tmp_path: Path
) -> None:
    tensors = to_original(load_file(hf / "model.safetensors"), head_dim=8)
    del tensors["layers.1.feed_forward.w3.weight"]
    tensors["layers.0.attention.q_norm.weight"] = torch.ones(8)
    tensors["norm.weight"] = torch.ones(47)
    write_dcp(folder, tensors, params())
    said = failure(folder)
    assert "do not fit its params.json" in said
    assert "missing: model.layers.1.feed_forward.w3.weight" in said
    assert "unexpected: model.layers.0.attention.q_norm.weight" in said
    assert "wrong shape: model.norm.weight is [47], expected [48]" in said


def test_an_absent_a_short_and_a_damaged_file_are_named(folder: Path) -> None:
    first, second, third = sorted(folder.glob("*.distcp"))[:3]
    content = third.read_bytes()
    third.write_bytes(bytes(len(content)))
    assert "a file is damaged" in failure(folder)
    third.write_bytes(content)
    content = second.read_bytes()
    second.write_bytes(content[:-1])
    assert f"{second} is damaged or truncated" in failure(folder)
    second.write_bytes(content)
    first.unlink()
    assert "lacks 1 of " in failure(folder)
    assert first.name in failure(folder)


def test_a_tensor_saved_in_part_is_refused(folder: Path) -> None:
    metadata = read_metadata(folder)
    entry = metadata.state_dict_metadata["model.layers.2.attention.wv.weight"]
    del entry.chunks[0]
    (folder / ".metadata").write_bytes(pickle.dumps(metadata))
    assert "model.layers.2.attention.wv.weight" in failure(folder)
    assert "not saved completely" in failure(folder)


class Command:
    """Unpickling it runs a command."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.target),)


def test_a_table_of_contents_cannot_run_code(folder: Path, tmp_path: Path) -> None:
    (folder / ".metadata").write_bytes(pickle.dumps(Command(tmp_path / "made")))
    assert "posix.mkdir" in failure(folder)
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize("content", [b"", b"\x80\x04", pickle.dumps({"a": 1})])
def test_a_damaged_table_of_contents_is_named(folder: Path, content: bytes) -> None:
    (folder / ".metadata").write_bytes(content)
    assert ".metadata" in failure(folder)


@pytest.mark.parametrize("name", ["params.json", ".metadata", "tokenizer.json"])
def test_each_missing_file_is_named(folder: Path, name: str) -> None:
    (folder / name).unlink()
    assert name.removesuffix(".json") in failure(folder)


def test_a_folder_of_neither_layout_is_told_both(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("no model")
    said = failure(tmp_path)
    assert "config.json" in said
    assert "params.json" in said


def test_params_give_the_published_shape() -> None:
    config = parse_params(
        params(
            dim=6144, n_layers=64, n_heads=48, n_kv_heads=8, head_dim=128, max_seq_len=131072,
            vocab_size=128256, ffn_dim_multiplier=1.3, multiple_of=256,
            window_attn={"window_pattern": 4, "global_window": None, "local_window": 8192,
                         "global_last_layer": True},
        )
    )  # fmt: skip
    assert config.intermediate == 21504
    assert [i for i, window in enumerate(config.windows) if window is None] == [
        *range(0, 64, 4),
        63,
    ]
    assert set(config.windows) == {None, 8192}


def test_windows_follow_each_field() -> None:
    def windows(**changes: Any) -> tuple[int | None, ...]:
        window = params()["window_attn"] | changes
        return parse_params(params(n_layers=5, window_attn=window)).windows

    assert windows() == (None, 16, 16, 16, None)
    assert windows(global_last_layer=False, window_pattern=3) == (None, 16, 16, None, 16)
    assert windows(global_window=64) == (64, 16, 16, 16, 64)
    assert windows(window_pattern=1, local_window=None, global_window=32) == (32,) * 5
    assert parse_params(params(window_attn=None)).windows == (None,) * 8


@pytest.mark.parametrize("key", sorted(set(params()) - {"attn_impl", "weight_tying", "qkv_biases"}))
def test_nothing_is_filled_in(key: str) -> None:
    raw = params()
    del raw[key]
    with pytest.raises(ConfigError, match=key if key != "scaled_rope" else "scale_factor"):
        parse_params(raw)


@pytest.mark.parametrize("section", ["scaled_rope", "window_attn"])
def test_nothing_is_filled_in_inside_a_section(section: str) -> None:
    optional = {"use_attn_scale", "global_window"}
    for key in params()[section].keys() - optional:
        raw = params()
        raw[section] = {name: value for name, value in raw[section].items() if name != key}
        with pytest.raises(ConfigError, match=key):
            parse_params(raw)


@pytest.mark.parametrize(
    "change",
    [
        {"weight_tying": True},
        {"qkv_biases": True},
        {"qk_norm": True},
        {"kv_lora_rank": 16},
        {"pos_embed_impl": "learned"},
        {"n_kv_heads": 4},
        {"n_layers": 0},
        {"rope_theta": "many"},
        {"window_attn": 4},
    ],
)
def test_what_would_change_the_computation_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=next(iter(change))):
        parse_params(params(**change))


def test_params_without_a_model_are_refused(folder: Path) -> None:
    (folder / "params.json").write_text(json.dumps(params()))
    with pytest.raises(ConfigError, match="key 'model'"):
        load_checkpoint(folder, device="cpu")


def test_the_tiny_shape_is_the_one_of_config_json(hf: Path) -> None:
    expected = replace(read_config(hf), bos_id=None, eos_ids=(), dtype=None)
    assert parse_params(params()) == expected
