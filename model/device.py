"""Where a model is computed, and in which number format."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

import torch

from model.errors import DeviceError

_DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


def choose_device(name: str) -> torch.device:
    """auto (CUDA when there is one), cpu or cuda[:N]; raises DeviceError for others."""
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


def choose_dtype(name: str, *, stored: str | None, device: torch.device) -> torch.dtype:
    """A format by name; auto is the stored one on CUDA and float32 on a CPU."""
    if name == "auto":
        name = "float32" if device.type == "cpu" else stored or "bfloat16"
    if name not in _DTYPES:
        raise DeviceError(f"unknown number format '{name}'; use auto, {', '.join(_DTYPES)}")
    return _DTYPES[name]


def itemsize_of(name: str) -> int:
    """Bytes of one number of a format by name."""
    dtype = getattr(torch, name, None)
    if not isinstance(dtype, torch.dtype):
        raise DeviceError(f"unknown number format '{name}'; use {', '.join(_DTYPES)}")
    return dtype.itemsize


def on_device(device: torch.device) -> AbstractContextManager[object]:
    """Make a CUDA device the current one of this thread: kernels and events go to that one."""
    return torch.cuda.device(device) if device.type == "cuda" else nullcontext()


def usable_bytes(device: torch.device, held: int = 0) -> int:
    """Bytes of a CUDA card that one engine can have: the free ones and `held` of its weights.

    What other programs, or other tensors of this one, take is not counted.
    """
    free, _ = torch.cuda.mem_get_info(device)
    cached = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    return int(free) + cached + held


@contextmanager
def memory_of(device: torch.device, purpose: str) -> Iterator[None]:
    """Turn an accelerator's out-of-memory error into a DeviceError that names the purpose."""
    try:
        yield
    except torch.OutOfMemoryError as error:
        raise DeviceError(
            f"{purpose} does not fit into the memory of {device}; use a device with more "
            "memory, a 16-bit number format, or a shorter context"
        ) from error
