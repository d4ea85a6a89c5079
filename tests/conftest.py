"""Tiny random checkpoints that several test folders use."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from . import shared_images

with suppress(ModuleNotFoundError):  # the GPU's machine has no hypothesis
    from hypothesis import settings

    # An example's wall time says how busy the machine is, and nothing of what is tested.
    settings.register_profile("busy", deadline=None)
    settings.load_profile("busy")

WINDOW = 16
BYTES_AND_MERGES = 280
CORPUS = [
    "the tool says the output of the test",
    "<think>\n</think>\n<tool: bash>\nls\n</tool>",
] * 4

MADE_HERE = pytest.StashKey[bool]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[MADE_HERE] = shared_images.begin()


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    """After the last test, also of processes that this one started."""
    if config.stash.get(MADE_HERE, False):
        shared_images.end()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say why each test that was tried again had failed."""
    for report in terminalreporter.getreports("rerun"):
        terminalreporter.section(f"failed, and tried again: {report.nodeid}")
        terminalreporter.line(report.longreprtext)


CheckpointMaker = Callable[..., Path]


def tiny_config(**changes: Any) -> dict[str, Any]:
    """A CWM of 8 layers in the published pattern, last layer full."""
    kinds = ["full_attention" if i in (0, 4, 7) else "sliding_attention" for i in range(8)]
    config: dict[str, Any] = {
        "model_type": "cwm",
        "hidden_size": 48,
        "intermediate_size": 96,
        "num_hidden_layers": 8,
        "num_attention_heads": 6,
        "num_key_value_heads": 2,
        "head_dim": 8,
        "vocab_size": BYTES_AND_MERGES + 256,
        "max_position_embeddings": 512,
        "rms_norm_eps": 1e-5,
        "layer_types": kinds,
        "sliding_window": WINDOW,
        "rope_parameters": {
            "rope_type": "llama3",
            "rope_theta": 1e6,
            "factor": 16.0,
            "low_freq_factor": 1.0,
            "high_freq_factor": 4.0,
            "original_max_position_embeddings": 32,
        },
        "tie_word_embeddings": False,
        "bos_token_id": BYTES_AND_MERGES,
        "eos_token_id": [BYTES_AND_MERGES + offset for offset in (1, 8, 9)],
    }
    return config | changes


@pytest.fixture(scope="session")
def tiny_tokenizer() -> str:
    """A byte-level `tokenizer.json` of 280 ordinary tokens and CWM's 256 control tokens."""
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers

    from model.text.special_tokens import special_ids

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=BYTES_AND_MERGES,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(CORPUS, trainer)
    assert tokenizer.get_vocab_size() == BYTES_AND_MERGES
    tokenizer.add_special_tokens(
        [AddedToken(name, special=True) for name in special_ids(BYTES_AND_MERGES)]
    )
    text: str = tokenizer.to_str()
    return text


@pytest.fixture
def make_checkpoint(tmp_path: Path, tiny_tokenizer: str) -> CheckpointMaker:
    """Writes a random checkpoint; keywords replace values of its config.json."""

    def make(name: str = "tiny", **changes: Any) -> Path:
        import torch
        from safetensors.torch import save_file

        from model.checkpoint.weights import tensor_shapes
        from model.config.config import parse_config

        folder = tmp_path / name
        folder.mkdir()
        raw = tiny_config(**changes)
        (folder / "config.json").write_text(json.dumps(raw))
        (folder / "tokenizer.json").write_text(tiny_tokenizer)
        generator = torch.Generator().manual_seed(7)
        tensors = {
            name: torch.randn(shape, generator=generator) * 0.2
            for name, shape in tensor_shapes(parse_config(raw)).items()
        }
        save_file(tensors, folder / "model.safetensors")
        return folder

    return make
