"""Which layout a checkpoint folder has, and how to read it without knowing.

`model.checkpoint.dcp` takes a second to import and is needed for its own layout only.
"""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from model.checkpoint.safetensors_files import INDEX, SINGLE, TensorFiles
from model.config.config import CONFIG, ModelConfig, read_config
from model.config.meta import METADATA, PARAMS, read_params
from model.errors import CheckpointError
from model.text.special_tokens import BEGIN_OF_TEXT, END_OF_MESSAGE, END_OF_TEXT, END_OF_TURN
from model.text.tokenizer import Tokenizer

if TYPE_CHECKING:
    from model.checkpoint.dcp import DcpFiles


class Layout(StrEnum):
    """The two layouts in which CWM is published."""

    HUGGING_FACE = "hf"  # config.json, *.safetensors
    DISTRIBUTED = "dcp"  # params.json, .metadata, *.distcp


def layout_of(folder: Path) -> Layout:
    """The layout of a folder, by its weights or else by its configuration.

    Raises CheckpointError when it is neither.
    """
    if not folder.is_dir():
        raise CheckpointError(f"no checkpoint folder {folder}; give the folder of a checkpoint")
    signs = {
        Layout.HUGGING_FACE: ((SINGLE, INDEX), CONFIG),
        Layout.DISTRIBUTED: ((METADATA,), PARAMS),
    }
    for layout, (weights, _) in signs.items():
        if any((folder / name).is_file() for name in weights):
            return layout
    for layout, (_, shape) in signs.items():
        if (folder / shape).is_file():
            return layout
    raise CheckpointError(
        f"{folder} is not a checkpoint: neither the Hugging Face layout ({CONFIG}, {SINGLE} or "
        f"{INDEX}) nor a distributed checkpoint ({PARAMS}, {METADATA}, *.distcp); "
        "give the folder that holds these files"
    )


def read_shape(folder: Path) -> ModelConfig:
    """The shape of the model in either layout; raises CheckpointError or ConfigError.

    A distributed checkpoint does not say which token ids it uses, see `with_token_ids`.
    """
    if layout_of(folder) is Layout.HUGGING_FACE:
        return read_config(folder)
    config = read_params(folder)
    if not (folder / METADATA).is_file():
        return config
    from model.checkpoint.dcp import stored_dtype

    return replace(config, dtype=stored_dtype(folder))


def open_tensors(folder: Path, config: ModelConfig, device: torch.device) -> TensorFiles | DcpFiles:
    """The tensors in either layout, under Hugging Face names; a context manager."""
    if layout_of(folder) is Layout.HUGGING_FACE:
        return TensorFiles(folder, device)
    from model.checkpoint.dcp import DcpFiles

    return DcpFiles(folder, config, device)


def with_token_ids(config: ModelConfig, tokenizer: Tokenizer) -> ModelConfig:
    """The shape with the ids that begin and end texts, where its file names none."""
    if config.eos_ids:
        return config
    ends = [tokenizer.find_special(n) for n in (END_OF_TEXT, END_OF_MESSAGE, END_OF_TURN)]
    return replace(
        config,
        bos_id=tokenizer.find_special(BEGIN_OF_TEXT),
        eos_ids=tuple(token for token in ends if token is not None),
    )
