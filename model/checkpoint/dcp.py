"""PyTorch distributed checkpoints (`.metadata`, `*.distcp`) under Hugging Face names.

CWM's original checkpoints were saved by 8 processes, each with a part of every
tensor. They are read here in one process, tensor by tensor, without a process
group. Two things differ from the Hugging Face layout: the names, and the order
of the rows of query and key projections, because the original rotates
neighbouring entries (2i, 2i + 1) and Hugging Face entries (i, i + head_dim / 2).
"""

from __future__ import annotations

import pickle
import re
import warnings
from collections import Counter
from collections.abc import Mapping
from math import prod
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import torch
from torch import Tensor
from torch.distributed.checkpoint.default_planner import DefaultLoadPlanner
from torch.distributed.checkpoint.filesystem import FileSystemReader, FileSystemWriter
from torch.distributed.checkpoint.metadata import Metadata, TensorStorageMetadata
from torch.distributed.checkpoint.state_dict_saver import save

from model.config.config import ModelConfig
from model.config.meta import METADATA, PARAMS
from model.errors import CheckpointError

_PREFIX = "model."
_LAYER = re.compile(r"(layers\.\d+\.)(.+)")
_LAYER_NAMES = {
    "attention_norm": "input_layernorm",
    "attention.wq": "self_attn.q_proj",
    "attention.wk": "self_attn.k_proj",
    "attention.wv": "self_attn.v_proj",
    "attention.wo": "self_attn.o_proj",
    "ffn_norm": "post_attention_layernorm",
    "feed_forward.w1": "mlp.gate_proj",
    "feed_forward.w3": "mlp.up_proj",
    "feed_forward.w2": "mlp.down_proj",
}
_OTHER_NAMES = {"tok_embeddings": "model.embed_tokens", "norm": "model.norm", "output": "lm_head"}
_ORIGINAL = {new: old for old, new in (_LAYER_NAMES | _OTHER_NAMES).items()}
_PERMUTED = ("self_attn.q_proj.weight", "self_attn.k_proj.weight")
_METADATA_MODULES = (
    "torch.distributed.checkpoint.metadata",
    "torch.distributed.checkpoint.filesystem",
)


def original_name(name: str) -> str:
    """The key of a Hugging Face tensor name in a distributed checkpoint."""
    stem = name.removesuffix(".weight")
    if layer := _LAYER.fullmatch(stem.removeprefix("model.")):
        return f"{_PREFIX}{layer[1]}{_ORIGINAL.get(layer[2], layer[2])}.weight"
    return f"{_PREFIX}{_ORIGINAL.get(stem, stem)}.weight"


def split_halves(rows: Tensor, head_dim: int) -> Tensor:
    """Rows of a query or key projection from the original order to Hugging Face's.

    rows (heads * head_dim, hidden): within each head, first the even ones, then the odd ones.
    """
    pairs = rows.view(-1, head_dim // 2, 2, rows.shape[1])
    return pairs.transpose(1, 2).reshape(rows.shape)


def join_halves(rows: Tensor, head_dim: int) -> Tensor:
    """The inverse of `split_halves`."""
    halves = rows.view(-1, 2, head_dim // 2, rows.shape[1])
    return halves.transpose(1, 2).reshape(rows.shape)


class DcpFiles:
    """Names, shapes and tensors of one distributed checkpoint; see `weights.TensorSource`.

    A context manager. Raises CheckpointError for files that are missing,
    truncated or damaged.
    """

    shape_file = PARAMS

    def __init__(self, folder: Path, config: ModelConfig, device: torch.device) -> None:
        self.folder = folder
        self._head_dim = config.head_dim
        self._device = device
        self._metadata = read_metadata(folder)
        _check_files(folder, self._metadata)
        self._reader = FileSystemReader(folder)
        self._reader.set_up_storage_reader(self._metadata, is_coordinator=True)
        self._keys = {_known_name(key): key for key in self._metadata.state_dict_metadata}
        self.shapes = {name: tuple(_size(self._metadata, key)) for name, key in self._keys.items()}
        self.dtypes = {name: _dtype(self._metadata, key) for name, key in self._keys.items()}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Nothing stays open between two reads."""

    def stored_as(self, name: str) -> str:
        """The key in the checkpoint, for messages."""
        return self._keys.get(name) or original_name(name)

    def read(self, name: str, part: tuple[slice, ...] | None = None) -> Tensor:
        """The tensor of that Hugging Face name, on the device, in its stored number format.

        With `part`, only that much of it is kept.
        """
        key = self._keys[name]
        entry = self._metadata.state_dict_metadata[key]
        if not isinstance(entry, TensorStorageMetadata) or not _is_float(entry):
            raise CheckpointError(
                f"{key} in {self.folder} is stored as {self.dtypes[name]}; "
                "only float32, bfloat16 and float16 checkpoints can be loaded"
            )
        _check_covered(self.folder, key, entry)
        tensor = torch.empty(entry.size, dtype=entry.properties.dtype)
        self._fill(key, tensor)
        if name.endswith(_PERMUTED):
            tensor = split_halves(tensor, self._head_dim)
        if part is not None:
            tensor = tensor[part].clone()  # lets go of the rest
        return tensor.to(self._device)

    def _fill(self, key: str, tensor: Tensor) -> None:
        """Read all parts of one tensor, from whichever files they lie in."""
        planner = DefaultLoadPlanner()
        planner.set_up_planner({key: tensor}, self._metadata, is_coordinator=True)
        try:
            self._reader.read_data(planner.create_local_plan(), planner).wait()
        # torch.load raises whatever its unpickler and its archive reader meet.
        except Exception as error:
            raise CheckpointError(
                f"cannot read {key} from {self.folder} ({type(error).__name__}: {error}); "
                "a file is damaged, download it again and compare checklist.chk"
            ) from error


def read_metadata(folder: Path) -> Metadata:
    """The table of contents. Only its own data classes are unpickled, so it can run no code."""
    path = folder / METADATA
    try:
        with path.open("rb") as file:
            metadata = _MetadataUnpickler(file).load()
    except FileNotFoundError:
        raise CheckpointError(f"{path} is missing; finish the download") from None
    # A damaged pickle raises almost anything.
    except Exception as error:
        raise CheckpointError(f"cannot read {path}: {error}; download the file again") from error
    if not isinstance(metadata, Metadata) or not isinstance(metadata.storage_data, dict):
        raise CheckpointError(f"{path} describes no checkpoint; download the file again")
    return metadata


def stored_dtype(folder: Path) -> str | None:
    """The number format of most tensors; None when there are none."""
    metadata = read_metadata(folder)
    counts = Counter(_dtype(metadata, key) for key in metadata.state_dict_metadata)
    return counts.most_common(1)[0][0] if counts else None


class _MetadataUnpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        """Data classes of the checkpoint format, number formats and paths; nothing else."""
        found = super().find_class(module, name) if module in _METADATA_MODULES else None
        if isinstance(found, type):
            return found
        if module == "torch" and isinstance(getattr(torch, name, None), torch.dtype | type):
            value = getattr(torch, name)
            if isinstance(value, torch.dtype) or value is torch.Size:
                return value
        if (module, name) in {
            ("torch.serialization", "_get_layout"),
            ("pathlib", "PosixPath"),
            ("pathlib", "PurePosixPath"),
            ("collections", "OrderedDict"),
        }:
            return super().find_class(module, name)
        raise pickle.UnpicklingError(
            f"it wants to load {module}.{name}, which is not checkpoint data"
        )


def _known_name(key: str) -> str:
    """The Hugging Face name of a key; an unknown key stays what it is."""
    stem = key.removeprefix(_PREFIX).removesuffix(".weight")
    if not key.startswith(_PREFIX) or not key.endswith(".weight"):
        return key
    layer = _LAYER.fullmatch(stem)
    if layer and layer[2] in _LAYER_NAMES:
        return f"model.{layer[1]}{_LAYER_NAMES[layer[2]]}.weight"
    return f"{_OTHER_NAMES[stem]}.weight" if stem in _OTHER_NAMES else key


def _size(metadata: Metadata, key: str) -> tuple[int, ...]:
    entry = metadata.state_dict_metadata[key]
    return tuple(entry.size) if isinstance(entry, TensorStorageMetadata) else ()


def _dtype(metadata: Metadata, key: str) -> str:
    entry = metadata.state_dict_metadata[key]
    if not isinstance(entry, TensorStorageMetadata):
        return "object"
    return str(entry.properties.dtype).removeprefix("torch.")


def _is_float(entry: TensorStorageMetadata) -> bool:
    dtype = entry.properties.dtype
    return dtype.is_floating_point and dtype.itemsize > 1


def _check_covered(folder: Path, key: str, entry: TensorStorageMetadata) -> None:
    """Parts must add up to the whole, or the rest would be whatever lay in memory."""
    parts = sum(prod(chunk.sizes) for chunk in entry.chunks)
    if parts != prod(entry.size):
        raise CheckpointError(
            f"{key} in {folder} has {parts} of {prod(entry.size)} entries; "
            "the checkpoint was not saved completely, download it again"
        )


def _check_files(folder: Path, metadata: Metadata) -> None:
    """All files are there and long enough for what they are said to hold."""
    ends: dict[str, int] = {}
    for place in metadata.storage_data.values():
        file = place.relative_path
        if Path(file).name != file:
            raise CheckpointError(f"{folder / METADATA} points outside its folder, to {file}")
        ends[file] = max(ends.get(file, 0), place.offset + place.length)
    absent = [file for file in sorted(ends) if not (folder / file).is_file()]
    if absent:
        raise CheckpointError(
            f"{folder} lacks {len(absent)} of {len(ends)} weight files "
            f"({', '.join(absent)}); finish the download"
        )
    for file, end in ends.items():
        size = (folder / file).stat().st_size
        if size < end:
            raise CheckpointError(
                f"{folder / file} is damaged or truncated ({size} bytes of at least {end}); "
                "download it again and compare its size"
            )


def write_tensors(folder: Path, tensors: Mapping[str, Tensor], head_dim: int) -> None:
    """Write tensors with Hugging Face names as a distributed checkpoint, `params.json` aside."""
    state = {
        original_name(name).removeprefix(_PREFIX): (
            join_halves(tensor, head_dim) if name.endswith(_PERMUTED) else tensor
        )
        for name, tensor in tensors.items()
    }
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="torch.distributed is disabled")  # as intended
        save({"model": state}, storage_writer=FileSystemWriter(folder), no_dist=True)
