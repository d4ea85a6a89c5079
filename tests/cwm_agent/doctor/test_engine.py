"""Checks of what the engine needs, against real and broken checkpoints."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from cwm_agent.config.settings import Settings
from cwm_agent.doctor import engine

CheckpointMaker = Callable[..., Path]


def test_torch_is_found() -> None:
    checks = engine.torch()
    assert checks[0].name == "torch"
    assert checks[0].status in {"ok", "warn"}
    assert checks[0].found[0].isdigit()


def test_no_checkpoint_is_only_a_warning() -> None:
    check = engine.checkpoint(Settings())
    assert check.status == "warn"
    assert "--model DIR" in check.remedy


def test_a_whole_checkpoint(make_checkpoint: CheckpointMaker) -> None:
    check = engine.checkpoint(Settings(model=str(make_checkpoint())))
    assert (check.status, check.remedy) == ("ok", "")
    assert check.found.endswith(" parameters")


def remove_weights(folder: Path) -> None:
    (folder / "model.safetensors").unlink()


def cut_weights(folder: Path) -> None:
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:5000])


def change_shape(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"intermediate_size": 112}))


def remove_tokenizer(folder: Path) -> None:
    (folder / "tokenizer.json").unlink()


def remove_config(folder: Path) -> None:
    (folder / "config.json").unlink()


@pytest.mark.parametrize(
    ("damage", "found"),
    [
        (remove_weights, "safetensors"),
        (cut_weights, "model.safetensors"),
        (change_shape, "is [96, 48], expected [112, 48] and 16 more"),
        (remove_tokenizer, "tokenizer"),
        (remove_config, "config.json"),
    ],
)
def test_a_damaged_checkpoint(
    make_checkpoint: CheckpointMaker, damage: Callable[[Path], None], found: str
) -> None:
    folder = make_checkpoint()
    damage(folder)
    check = engine.checkpoint(Settings(model=str(folder)))
    assert check.status == "fail"
    assert found in check.found
    assert check.remedy


def test_a_checkpoint_that_is_not_there(tmp_path: Path) -> None:
    check = engine.checkpoint(Settings(model=str(tmp_path / "absent")))
    assert check.status == "fail"
    assert "is not a folder" in check.found


def test_hugging_face_says_when_downloads_are_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HF_DATASETS_OFFLINE", raising=False)
    monkeypatch.delenv("TRANSFORMERS_OFFLINE", raising=False)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert engine.hugging_face().found.endswith("offline (HF_HUB_OFFLINE)")
    monkeypatch.delenv("HF_HUB_OFFLINE")
    assert engine.hugging_face().found.endswith("downloads allowed")
