"""A checkpoint folder, made ready to answer."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch

from model.config import ModelConfig, read_config
from model.errors import CheckpointError, DeviceError
from model.tokenizer import Tokenizer
from model.transformer import Transformer
from model.weights import load_weights

_DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Shape, tokenizer and weights of one model."""

    config: ModelConfig
    tokenizer: Tokenizer
    transformer: Transformer


def load_checkpoint(folder: Path, *, device: str = "auto", dtype: str = "auto") -> Checkpoint:
    """Load a CWM or Llama checkpoint in Hugging Face layout.

    `device` is auto (CUDA when there is one), cpu or cuda[:N]; `dtype` auto is
    the stored format on CUDA and float32 on CPU. The small files are checked
    before the weights are read. Raises CheckpointError, ConfigError,
    TokenizerError or DeviceError.
    """
    where = _device(device)
    config = read_config(folder)
    number_format = _dtype(dtype, config, where)
    tokenizer = Tokenizer.from_folder(folder)
    if tokenizer.size > config.vocabulary:
        raise CheckpointError(
            f"the tokenizer in {folder} has {tokenizer.size} tokens, the model only "
            f"{config.vocabulary}; use the tokenizer of this checkpoint"
        )
    weights = load_weights(folder, config, device=where, dtype=number_format)
    return Checkpoint(config, tokenizer, Transformer(config, weights))


def _device(name: str) -> torch.device:
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise DeviceError(f"unknown device '{name}'; use auto, cpu or cuda") from error
    if device.type not in ("cpu", "cuda"):
        raise DeviceError(f"device '{name}' is not supported; use auto, cpu or cuda")
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise DeviceError(f"there is no CUDA device '{name}' here; use cpu, or check nvidia-smi")
    return device


def _dtype(name: str, config: ModelConfig, device: torch.device) -> torch.dtype:
    if name == "auto":
        name = "float32" if device.type == "cpu" else config.dtype or "bfloat16"
    if name not in _DTYPES:
        raise DeviceError(f"unknown number format '{name}'; use auto, {', '.join(_DTYPES)}")
    return _DTYPES[name]
