"""What a checkpoint folder holds, found without reading its weights."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from math import prod
from pathlib import Path

import torch

from model.checkpoint.layouts import layout_of, open_tensors, read_shape, with_token_ids
from model.checkpoint.weights import check_names, tensor_shapes
from model.config.config import ModelConfig
from model.device import itemsize_of
from model.errors import CheckpointError, ModelError, TokenizerError
from model.kvcache.layer_groups import group_layers, kv_bytes
from model.text.chat_template import TemplateChat, open_chat
from model.text.special_tokens import CONTROL_NAMES, END_OF_TURN, START_HEADER
from model.text.tokenizer import Tokenizer
from model.text.vocabulary import tokenizer_file

_WEIGHT_FILES = ("*.safetensors", "*.distcp")


@dataclass(frozen=True, slots=True)
class Attention:
    """Layers by what they see. `pattern` has one letter a layer: F full, S sliding window."""

    full: int
    sliding: int
    windows: tuple[int, ...]
    pattern: str


@dataclass(frozen=True, slots=True)
class KvMemory:
    """Bytes of keys and values of one session: so many a token, and the windows once filled."""

    per_token: int
    constant: int
    dtype: str


@dataclass(frozen=True, slots=True)
class TokenizerInfo:
    """Which file, how many ids, and CWM's control tokens (name -> id) that it knows or lacks."""

    kind: str
    tokens: int
    control: dict[str, int]
    lacking: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Inspection:
    """All that can be told. With `problems` the checkpoint cannot be loaded; `notes` only inform.

    `dtypes` counts tensors by number format, `bytes_on_disk` is for the weights.
    """

    folder: str
    layout: str
    model_type: str
    parameters: int
    hidden: int
    layers: int
    heads: int
    kv_heads: int
    head_dim: int
    vocabulary: int
    context: int
    attention: Attention
    kv: KvMemory
    dtypes: dict[str, int]
    files: int
    bytes_on_disk: int
    tokenizer: TokenizerInfo | None
    bos_id: int | None
    eos_ids: tuple[int, ...]
    problems: tuple[str, ...]
    notes: tuple[str, ...]


def inspect_checkpoint(folder: Path, *, random: bool = False) -> Inspection:
    """Look at configuration, tensor names and tokenizer of a folder in either layout.

    What keeps the checkpoint from loading is listed in `problems`; `random`
    means that only a configuration is wanted, so that absent weights and
    tokenizer are none. Raises CheckpointError or ConfigError when there is no
    readable configuration.
    """
    layout = layout_of(folder)
    config = read_shape(folder)
    problems: list[str] = []
    dtypes = {} if random else _tensors(folder, config, problems)
    tokenizer = None if random else _tokenizer(folder, config, problems)
    info = chat_note = None
    if tokenizer is not None:
        config = with_token_ids(config, tokenizer)
        info = _describe(folder, tokenizer)
        chat_note = _chat(folder, tokenizer, config, problems)
    files = [path for pattern in _WEIGHT_FILES for path in folder.glob(pattern)]
    return Inspection(
        folder=str(folder),
        layout=layout.value,
        model_type=config.model_type,
        parameters=sum(map(prod, tensor_shapes(config).values())),
        hidden=config.hidden,
        layers=config.layers,
        heads=config.heads,
        kv_heads=config.kv_heads,
        head_dim=config.head_dim,
        vocabulary=config.vocabulary,
        context=config.context,
        attention=_attention(config),
        kv=kv_memory(config, config.dtype or "bfloat16"),
        dtypes=dtypes,
        files=len(files),
        bytes_on_disk=sum(path.stat().st_size for path in files),
        tokenizer=info,
        bos_id=config.bos_id,
        eos_ids=config.eos_ids,
        problems=tuple(problems),
        notes=(*_notes(config, dtypes, info), *([chat_note] if chat_note else ())),
    )


def kv_memory(config: ModelConfig, dtype: str) -> KvMemory:
    """Key/value bytes of a session longer than every window: per_token * tokens + constant."""
    groups = group_layers(config.windows)
    filled = max((window for window in config.windows if window is not None), default=1)

    def needed(tokens: int) -> int:
        return kv_bytes(groups, tokens, config.kv_heads, config.head_dim, itemsize_of(dtype))

    per_token = needed(filled + 1) - needed(filled)
    return KvMemory(per_token, needed(filled) - per_token * filled, dtype)


def _tensors(folder: Path, config: ModelConfig, problems: list[str]) -> dict[str, int]:
    """Number of tensors by number format, as far as the files can be opened."""
    counts: dict[str, int] = {}
    try:
        with open_tensors(folder, config, torch.device("cpu")) as files:
            counts = dict(Counter(files.dtypes.values()).most_common())
            check_names(files, config)
    except CheckpointError as error:
        problems.append(str(error))
    return counts


def _tokenizer(folder: Path, config: ModelConfig, problems: list[str]) -> Tokenizer | None:
    try:
        tokenizer = Tokenizer.from_folder(folder)
    except ModelError as error:
        problems.append(str(error))
        return None
    if tokenizer.size > config.vocabulary:
        problems.append(
            f"the tokenizer has {tokenizer.size} tokens, the model only {config.vocabulary}; "
            "use the tokenizer of this checkpoint"
        )
    return tokenizer


def _chat(
    folder: Path, tokenizer: Tokenizer, config: ModelConfig, problems: list[str]
) -> str | None:
    """What is to be noted of the chat format."""
    try:
        chat = open_chat(folder, tokenizer, bos_id=config.bos_id, eos_ids=config.eos_ids)
    except TokenizerError as error:
        problems.append(str(error))
        return None
    if isinstance(chat, TemplateChat):
        return "the chat format is that of the checkpoint's own template, not CWM's"
    if tokenizer.find_special(START_HEADER) is None:
        return "there is neither a chat template nor CWM's headers: they are written as plain text"
    return None


def _describe(folder: Path, tokenizer: Tokenizer) -> TokenizerInfo:
    found = {name: tokenizer.find_special(name) for name in CONTROL_NAMES}
    return TokenizerInfo(
        kind=tokenizer_file(folder).name,
        tokens=tokenizer.size,
        control={name: token for name, token in found.items() if token is not None},
        lacking=tuple(name for name, token in found.items() if token is None),
    )


def _attention(config: ModelConfig) -> Attention:
    windows = sorted({window for window in config.windows if window is not None})
    full = config.windows.count(None)
    pattern = "".join("F" if window is None else "S" for window in config.windows)
    return Attention(full, config.layers - full, tuple(windows), pattern)


def _notes(
    config: ModelConfig, dtypes: dict[str, int], tokenizer: TokenizerInfo | None
) -> list[str]:
    """What loads, but is unlike the published model in a way that a user may not expect."""
    notes = []
    if None in config.windows and config.windows[-1] is not None:
        notes.append("the last layer has a window; CWM's last layer sees everything")
    if len(dtypes) > 1:
        notes.append(f"tensors are stored in several formats: {', '.join(dtypes)}")
    if config.tied_embeddings:
        notes.append("the head is the embedding (tied)")
    if not config.eos_ids:
        notes.append("no token ids end a text; the stop tokens of the chat format are used")
    if tokenizer is not None and tokenizer.lacking:
        notes.append(f"the tokenizer lacks {len(tokenizer.lacking)} of CWM's control tokens")
    elif tokenizer is not None and tokenizer.control[END_OF_TURN] not in config.eos_ids:
        notes.append(f"{END_OF_TURN} is not among the ids that end a text")
    return notes
