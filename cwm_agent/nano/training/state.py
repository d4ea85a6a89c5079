"""A run on disk: weights, moments and counters in shards, replaced as a whole.

A state is written to a folder of its own and renamed when it is complete, so a
run that is killed at any instant has its newest complete state.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from safetensors.torch import load_file, save_file
from torch import Tensor

from cwm_agent.errors import CwmAgentError
from cwm_agent.nano.training.network import Shape

_PREFIX = "state-"
_UNFINISHED = ".part"
_ABOUT = "run.json"
_SHARD_BYTES = 14 * 2**20


class StateError(CwmAgentError):
    """The folder of a run cannot be used."""


@dataclass(slots=True)
class Counters:
    """How far a run is. `seconds` is time spent in training, compilation included."""

    step: int = 0
    tokens: int = 0
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class State:
    """All that a run needs to go on; random numbers are derived from seed and step."""

    shape: Shape
    counters: Counters
    tensors: dict[str, Tensor]  # weights under "weights/", moments under "moments/"


def save_state(folder: Path, state: State) -> Path:
    """Write a state beside older ones, then remove those; returns its folder."""
    final = folder / f"{_PREFIX}{state.counters.step:08d}"
    part = final.with_name(final.name + _UNFINISHED)
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    for number, shard in enumerate(_shards(state.tensors)):
        save_file(shard, part / f"shard-{number:03d}.safetensors")
    about = {"shape": asdict(state.shape), "counters": asdict(state.counters)}
    (part / _ABOUT).write_text(json.dumps(about, indent=2) + "\n", encoding="utf-8")
    for path in part.iterdir():
        _flush(path)
    if final.exists():  # the same step was saved before, with the same content
        shutil.rmtree(final)
    part.rename(final)
    _flush(folder)
    for old in folder.glob(f"{_PREFIX}*"):
        if old != final:
            shutil.rmtree(old, ignore_errors=True)
    return final


def newest_state(folder: Path) -> Path | None:
    """The folder of the newest complete state of a run."""
    complete = [path for path in folder.glob(f"{_PREFIX}*") if not path.name.endswith(_UNFINISHED)]
    return max(complete, default=None)


def load_state(folder: Path) -> State:
    """Read one state, tensors on the CPU; raises StateError."""
    try:
        about = json.loads((folder / _ABOUT).read_text(encoding="utf-8"))
        tensors: dict[str, Tensor] = {}
        for path in sorted(folder.glob("shard-*.safetensors")):
            tensors |= load_file(path)
        return State(Shape(**about["shape"]), Counters(**about["counters"]), tensors)
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise StateError(
            f"{folder} has no complete state ({error}); remove it, or start a new run"
        ) from error


def _shards(tensors: dict[str, Tensor]) -> Iterator[dict[str, Tensor]]:
    """Split into groups whose files stay small enough for a version control system."""
    shard: dict[str, Tensor] = {}
    size = 0
    for name, tensor in tensors.items():
        if shard and size + tensor.nbytes > _SHARD_BYTES:
            yield shard
            shard, size = {}, 0
        shard[name] = tensor.detach().cpu().contiguous()
        size += tensor.nbytes
    yield shard


def _flush(path: Path) -> None:
    """Bring a file or folder to the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
