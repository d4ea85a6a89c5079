"""A checkpoint folder, made ready to answer."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from model.checkpoint.layouts import read_shape, with_token_ids
from model.checkpoint.quantize import Quantization, layer_quantizer
from model.checkpoint.source import WeightSource
from model.checkpoint.weights import Weights, random_weights
from model.config.config import ModelConfig
from model.device import choose_device, choose_dtype, memory_of
from model.errors import CheckpointError
from model.text.tokenizer import Tokenizer


@dataclass(frozen=True, slots=True)
class CheckpointFiles:
    """A checkpoint whose small files were read and checked; the weights are still to load."""

    config: ModelConfig
    tokenizer: Tokenizer
    source: WeightSource


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Shape, tokenizer and weights of one model."""

    config: ModelConfig
    tokenizer: Tokenizer
    weights: Weights


def open_checkpoint(
    folder: Path,
    *,
    device: str = "auto",
    dtype: str = "auto",
    quantize: Quantization = "none",
) -> CheckpointFiles:
    """Check a CWM or Llama checkpoint in Hugging Face or distributed (DCP) layout.

    `device` is auto (CUDA when there is one), cpu or cuda[:N]; `dtype` auto is
    the stored format on CUDA and float32 on CPU. `quantize` turns the linear
    layers to 8 bits; whether that harms the answers is not checked here but by
    `model.runner.divergence`.
    Raises CheckpointError, ConfigError, TokenizerError, QuantizationError or DeviceError.
    """
    where = choose_device(device)
    layer_quantizer(quantize)
    config = read_shape(folder)
    number_format = choose_dtype(dtype, stored=config.dtype, device=where)
    tokenizer = Tokenizer.from_folder(folder)
    if tokenizer.size > config.vocabulary:
        raise CheckpointError(
            f"the tokenizer in {folder} has {tokenizer.size} tokens, the model only "
            f"{config.vocabulary}; use the tokenizer of this checkpoint"
        )
    source = WeightSource(where, number_format, folder, quantization=quantize)
    return CheckpointFiles(with_token_ids(config, tokenizer), tokenizer, source)


def load_checkpoint(
    folder: Path,
    *,
    device: str = "auto",
    dtype: str = "auto",
    quantize: Quantization = "none",
) -> Checkpoint:
    """`open_checkpoint` and the weights, all on one device; the same errors."""
    files = open_checkpoint(folder, device=device, dtype=dtype, quantize=quantize)
    return Checkpoint(files.config, files.tokenizer, files.source.load(files.config))


def random_model(
    folder: Path,
    *,
    seed: int = 0,
    device: str = "auto",
    dtype: str = "auto",
    quantize: Quantization = "none",
) -> tuple[ModelConfig, Weights]:
    """Random weights for the shape in a folder's config.json or params.json, for measurements.

    No other file is needed or read; arguments and errors as in `load_checkpoint`.
    """
    where = choose_device(device)
    convert = layer_quantizer(quantize)
    config = read_shape(folder)
    number_format = choose_dtype(dtype, stored=config.dtype, device=where)
    with memory_of(where, f"a random model of the shape in {folder}"):
        weights = random_weights(
            config, seed=seed, device=where, dtype=number_format, convert=convert
        )
    return config, weights
