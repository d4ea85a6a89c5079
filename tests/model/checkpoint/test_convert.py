"""Converted checkpoints are the same model, also to transformers, and appear whole or not."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from dcp_files import params, to_original, write_dcp
from safetensors.torch import load_file

from model.checkpoint.convert import convert_checkpoint
from model.checkpoint.layouts import Layout
from model.checkpoint.open import load_checkpoint
from model.config.config import Llama3Scaling, parse_config, read_config
from model.config.hf import to_config_json, to_params_json
from model.config.meta import parse_params
from model.errors import CheckpointError, ConfigError
from model.kvcache.dense import DenseCache
from model.runner.transformer import Transformer

pytestmark = pytest.mark.filterwarnings("ignore:torch.distributed is disabled")


@pytest.fixture
def hf(make_checkpoint: Callable[..., Path]) -> Path:
    return make_checkpoint("hf")


@pytest.fixture
def dcp(hf: Path, tiny_tokenizer: str) -> Path:
    folder = hf.parent / "dcp"
    write_dcp(folder, to_original(load_file(hf / "model.safetensors"), head_dim=8), params())
    (folder / "tokenizer.json").write_text(tiny_tokenizer)
    (folder / "LICENSE").write_text("research only")
    return folder


def logits(folder: Path, ids: torch.Tensor) -> torch.Tensor:
    loaded = load_checkpoint(folder, device="cpu")
    cache = DenseCache(loaded.config, torch.device("cpu"), torch.float32)
    return Transformer(loaded.config, loaded.weights).logits(ids, cache, last_only=False)


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_a_distributed_checkpoint_becomes_one_that_transformers_loads(
    dcp: Path, hf: Path, tmp_path: Path
) -> None:
    from transformers import CwmForCausalLM

    target = tmp_path / "converted"
    heard: list[tuple[int, int]] = []
    written = convert_checkpoint(
        dcp, target, shard_bytes=100_000, progress=lambda *step: heard.append(step)
    )
    assert len(written.files) > 2
    assert heard[-1] == (written.tensor_bytes, written.tensor_bytes)
    index = json.loads((target / "model.safetensors.index.json").read_text())
    assert set(index["weight_map"].values()) == set(written.files)
    assert index["metadata"]["total_size"] == written.tensor_bytes
    theirs = CwmForCausalLM.from_pretrained(target)
    ids = torch.arange(70) * 3 % 280  # several windows long
    with torch.inference_mode():
        expected = theirs(ids[None]).logits[0]
    assert torch.allclose(logits(dcp, ids), expected, atol=1e-4)
    assert torch.equal(logits(target, ids), logits(hf, ids))
    assert theirs.generation_config.eos_token_id == [281, 288, 289]
    assert (target / "LICENSE").read_text() == "research only"
    assert (target / "tokenizer.json").is_file()


def test_there_and_back_is_the_same_model(hf: Path, tmp_path: Path) -> None:
    convert_checkpoint(hf, tmp_path / "there", layout=Layout.DISTRIBUTED)
    convert_checkpoint(tmp_path / "there", tmp_path / "back")
    assert read_config(tmp_path / "back") == replace(read_config(hf), dtype="float32")
    before = load_file(hf / "model.safetensors")
    after = load_file(tmp_path / "back" / "model.safetensors")
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_the_number_format_can_change(hf: Path, tmp_path: Path) -> None:
    (hf / "generation_config.json").write_text('{"temperature": 0.2}')
    raw = json.loads((hf / "config.json").read_text())
    (hf / "config.json").write_text(json.dumps(raw | {"torch_dtype": "float32", "own": 1}))
    written = convert_checkpoint(hf, tmp_path / "narrow", dtype="bfloat16")
    assert written.files == ("model.safetensors",)
    modes = {path.stat().st_mode for path in (tmp_path / "narrow").iterdir()}
    assert len(modes) == 1, "weights can be read by whoever can read the configuration"
    before = load_file(hf / "model.safetensors")
    after = load_file(tmp_path / "narrow" / "model.safetensors")
    assert all(torch.equal(after[name], before[name].bfloat16()) for name in before)
    shape = json.loads((tmp_path / "narrow" / "config.json").read_text())
    assert (shape["dtype"], shape["own"], "torch_dtype" in shape) == ("bfloat16", 1, False)
    said = json.loads((tmp_path / "narrow" / "generation_config.json").read_text())
    assert said == {"temperature": 0.2}


def test_an_existing_target_is_left_alone(hf: Path, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="already exists"):
        convert_checkpoint(hf, hf)
    with pytest.raises(CheckpointError, match="there is no folder"):
        convert_checkpoint(hf, tmp_path / "no" / "such" / "folder")


def test_a_failure_halfway_leaves_nothing(dcp: Path, tmp_path: Path) -> None:
    largest = max(dcp.glob("*.distcp"), key=lambda path: path.stat().st_size)
    largest.write_bytes(bytes(largest.stat().st_size))
    before = set(tmp_path.iterdir())
    with pytest.raises(CheckpointError, match="a file is damaged"):
        convert_checkpoint(dcp, tmp_path / "converted")
    assert set(tmp_path.iterdir()) == before


def test_both_files_give_the_shape_back(hf: Path) -> None:
    config = read_config(hf)
    assert parse_config(to_config_json(config, "float32")) == replace(config, dtype="float32")
    bare = replace(config, bos_id=None, eos_ids=(), dtype=None)
    assert parse_params(to_params_json(config)["model"]) == bare


def test_params_json_has_the_types_that_the_original_code_demands(hf: Path) -> None:
    # Its settings library refuses 16.0 for an int and takes any whole number for a float.
    scaling = Llama3Scaling(16.0, 1.0, 4.0, 8192)
    config = replace(read_config(hf), rope_scaling=scaling, rope_theta=1_000_000.0)
    written = json.loads(json.dumps(to_params_json(config)))
    numbers = {**written["model"], **written["model"]["scaled_rope"]}
    whole = {"dim", "n_layers", "n_heads", "n_kv_heads", "head_dim", "max_seq_len", "vocab_size"}
    whole |= {"ffn_exp", "multiple_of", "scale_factor", "old_context_len"}
    whole |= {"low_freq_factor", "high_freq_factor"}
    assert {name for name in whole if type(numbers[name]) is not int} == set()
    assert parse_params(written["model"]).rope_scaling == scaling
    assert written["tokenizer"] == {"name": "cwm_instruct"}  # so: tokenizer.model, same folder
    with pytest.raises(ConfigError, match=r"low_freq_factor .* is 1.5"):
        to_params_json(replace(config, rope_scaling=replace(scaling, low_freq_factor=1.5)))


@pytest.mark.parametrize(
    "windows", ["FFFF", "SSSS", "FSFS", "FSSF", "FFFS", "FSSSF", "FSSFS", "F", "S"]
)
def test_patterns_survive(hf: Path, windows: str) -> None:
    sees = tuple(None if kind == "F" else 16 for kind in windows)
    config = replace(read_config(hf), layers=len(sees), windows=sees)
    if windows == "FFFS":
        with pytest.raises(ConfigError, match="cannot express these layer types"):
            to_params_json(config)
        return
    assert parse_params(to_params_json(config)["model"]).windows == sees


def test_two_window_sizes_do_not_fit_into_config_json(hf: Path) -> None:
    config = replace(read_config(hf), windows=(64, 16, 16, 16, 64, 16, 16, 64))
    with pytest.raises(ConfigError, match="only one size"):
        to_config_json(config, "float32")
    assert parse_params(to_params_json(config)["model"]).windows == config.windows
