"""The safetensors files of one checkpoint, seen as one mapping."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from model.config.config import CONFIG
from model.errors import CheckpointError

SINGLE = "model.safetensors"
INDEX = "model.safetensors.index.json"

_DTYPES = {"F32": "float32", "BF16": "bfloat16", "F16": "float16"}


def write_file(tensors: Mapping[str, Tensor], path: Path) -> None:
    """One file, readable for all that the umask lets read: the package lets its owner alone."""
    save_file(dict(tensors), path, metadata={"format": "pt"})
    mask = os.umask(0)
    os.umask(mask)
    path.chmod(0o666 & ~mask)


class TensorFiles:
    """Names, shapes and tensors of a single file or of the shards of an index.

    See `model.checkpoint.weights.TensorSource`. A context manager. Raises CheckpointError for
    files that are missing, damaged, or hold a tensor twice.
    """

    shape_file = CONFIG

    def __init__(self, folder: Path, device: torch.device) -> None:
        self.folder = folder
        self.shapes: dict[str, tuple[int, ...]] = {}
        self.dtypes: dict[str, str] = {}
        self._device = device
        self._stack = ExitStack()
        self._owner: dict[str, tuple[Path, Any]] = {}

    def __enter__(self) -> Self:
        with ExitStack() as opening:
            for path in _weight_files(self.folder):
                self._open(path, opening)
            self._stack = opening.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()

    def stored_as(self, name: str) -> str:
        """The name in the files, for messages."""
        return name

    def read(self, name: str, part: tuple[slice, ...] | None = None) -> Tensor:
        """The tensor of that name, on the device, in its stored number format.

        With `part`, only that much of it is read.
        """
        path, handle = self._owner[name]
        try:
            tensor: Tensor = handle.get_slice(name)[part] if part else handle.get_tensor(name)
        except (SafetensorError, OSError) as error:
            raise _damaged(path, error) from error
        if not tensor.is_floating_point() or tensor.element_size() < 2:
            raise CheckpointError(
                f"{name} in {path} is stored as {tensor.dtype}; "
                "only float32, bfloat16 and float16 checkpoints can be loaded"
            )
        return tensor

    def _open(self, path: Path, stack: ExitStack) -> None:
        try:
            handle = stack.enter_context(safe_open(path, framework="pt", device=str(self._device)))
            for name in handle.keys():  # noqa: SIM118 (a safetensors handle is no mapping)
                if name in self._owner:
                    raise CheckpointError(
                        f"{name} stands in {self._owner[name][0]} and again in {path}; "
                        "remove the files that belong to another checkpoint"
                    )
                self._owner[name] = path, handle
                part = handle.get_slice(name)
                self.shapes[name] = tuple(part.get_shape())
                self.dtypes[name] = _DTYPES.get(part.get_dtype(), part.get_dtype())
        except (SafetensorError, OSError) as error:
            raise _damaged(path, error) from error


def _damaged(path: Path, error: Exception) -> CheckpointError:
    return CheckpointError(
        f"{path} is damaged or truncated ({error}); download it again and compare its size"
    )


def _weight_files(folder: Path) -> list[Path]:
    """Files that hold the weights, all of them present."""
    index = folder / INDEX
    if not index.is_file():
        single = folder / SINGLE
        if not single.is_file():
            raise CheckpointError(
                f"{folder} holds neither {SINGLE} nor {INDEX}; download the safetensors weights"
            )
        return [single]
    try:
        names = set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values())
        paths = [folder / name for name in sorted(names)]
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise CheckpointError(
            f"cannot read the weight_map of {index}: {error!r}; download the file again"
        ) from error
    if absent := [path.name for path in paths if not path.is_file()]:
        raise CheckpointError(
            f"{folder} lacks {len(absent)} of {len(paths)} weight files "
            f"({', '.join(absent)}); finish the download"
        )
    return paths
