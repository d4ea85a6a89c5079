"""A checkpoint folder, made ready to answer."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from model.config import ModelConfig, read_config
from model.device import choose_device, choose_dtype, memory_of
from model.errors import CheckpointError
from model.tokenizer import Tokenizer
from model.weights import Weights, load_weights


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Shape, tokenizer and weights of one model."""

    config: ModelConfig
    tokenizer: Tokenizer
    weights: Weights


def load_checkpoint(folder: Path, *, device: str = "auto", dtype: str = "auto") -> Checkpoint:
    """Load a CWM or Llama checkpoint in Hugging Face layout.

    `device` is auto (CUDA when there is one), cpu or cuda[:N]; `dtype` auto is
    the stored format on CUDA and float32 on CPU. The small files are checked
    before the weights are read. Raises CheckpointError, ConfigError,
    TokenizerError or DeviceError.
    """
    where = choose_device(device)
    config = read_config(folder)
    number_format = choose_dtype(dtype, stored=config.dtype, device=where)
    tokenizer = Tokenizer.from_folder(folder)
    if tokenizer.size > config.vocabulary:
        raise CheckpointError(
            f"the tokenizer in {folder} has {tokenizer.size} tokens, the model only "
            f"{config.vocabulary}; use the tokenizer of this checkpoint"
        )
    with memory_of(where, f"the model in {folder}"):
        weights = load_weights(folder, config, device=where, dtype=number_format)
    return Checkpoint(config, tokenizer, weights)
