"""From one checkpoint layout to another, tensor by tensor."""

from __future__ import annotations

import json
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from math import prod
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from torch import Tensor

from model.checkpoint.layouts import Layout, layout_of, open_tensors, read_shape, with_token_ids
from model.checkpoint.safetensors_files import INDEX, SINGLE, write_file
from model.checkpoint.weights import TensorSource, check_names, tensor_shapes
from model.config.config import CONFIG, ModelConfig
from model.config.hf import to_config_json, to_params_json
from model.config.meta import PARAMS
from model.device import choose_dtype
from model.errors import CheckpointError, ModelError
from model.text.tokenizer import Tokenizer

SHARD_BYTES = 5 * 10**9
"""Size of a weight file unless asked otherwise, as transformers writes them."""

_GENERATION = "generation_config.json"
_COMPANIONS = (
    "tokenizer.model", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json",
    "chat_template.jinja", "chat_template.json", _GENERATION,
    "LICENSE*", "USE_POLICY*", "NOTICE*",
)  # fmt: skip
_PUBLISHED_SAMPLING = {"do_sample": True, "temperature": 1.0, "top_p": 0.95}

OnBytes = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Converted:
    """What was written: weight files and the bytes of their tensors."""

    layout: Layout
    dtype: str
    files: tuple[str, ...]
    tensor_bytes: int


def convert_checkpoint(
    source: Path,
    target: Path,
    *,
    layout: Layout = Layout.HUGGING_FACE,
    dtype: str = "auto",
    shard_bytes: int = SHARD_BYTES,
    progress: OnBytes | None = None,
) -> Converted:
    """Write the checkpoint in folder `source` to the new folder `target`.

    `dtype` auto keeps the stored format. `progress` is told bytes written and
    bytes in all. Into Hugging Face's layout at most one file's tensors are in
    memory at a time; into a distributed checkpoint, all of them. `target`
    appears only when it is complete. Raises CheckpointError, ConfigError,
    TokenizerError or DeviceError, and leaves nothing behind.
    """
    if target.exists() or target.is_symlink():
        raise CheckpointError(f"{target} already exists; name a new folder, or remove it")
    cpu = torch.device("cpu")
    config = with_token_ids(read_shape(source), Tokenizer.from_folder(source))
    with open_tensors(source, config, cpu) as files:
        check_names(files, config)
        stored = config.dtype or files.dtypes[next(iter(tensor_shapes(config)))]
        name = stored if dtype == "auto" else dtype
        config = replace(config, dtype=name)
        job = _Job(files, config, choose_dtype(name, stored=stored, device=cpu), progress)
        with _new_folder(target, job.total) as folder:
            if layout is Layout.HUGGING_FACE:
                written = _write_safetensors(folder, job, shard_bytes)
                shape = _config_json(source, config, name)
                (folder / CONFIG).write_text(json.dumps(shape, indent=2) + "\n")
                (folder / _GENERATION).write_text(json.dumps(_generation(config), indent=2) + "\n")
            else:
                (folder / PARAMS).write_text(json.dumps(to_params_json(config), indent=2) + "\n")
                written = _write_distributed(folder, job)
            _copy_companions(source, folder)
            with open_tensors(folder, config, cpu) as result:
                check_names(result, config)
    return Converted(layout, name, written, job.total)


class _Job:
    """Reads tensors in the wanted format and reports how far it is."""

    def __init__(
        self,
        source: TensorSource,
        config: ModelConfig,
        dtype: torch.dtype,
        progress: OnBytes | None,
    ) -> None:
        self.config = config
        self.sizes = {
            name: prod(shape) * dtype.itemsize for name, shape in tensor_shapes(config).items()
        }
        self.total = sum(self.sizes.values())
        self._source = source
        self._dtype = dtype
        self._progress = progress
        self._done = 0

    def take(self, name: str) -> Tensor:
        """One tensor; counts as done."""
        tensor = self._source.read(name).to(self._dtype).contiguous()
        self._done += tensor.nbytes
        if self._progress is not None:
            self._progress(self._done, self.total)
        return tensor


def _write_safetensors(folder: Path, job: _Job, shard_bytes: int) -> tuple[str, ...]:
    """One file, or several with an index."""
    groups: list[list[str]] = [[]]
    filled = 0
    for name, size in job.sizes.items():
        if groups[-1] and filled + size > shard_bytes:
            groups.append([])
            filled = 0
        groups[-1].append(name)
        filled += size
    count = len(groups)
    files = [f"model-{i:05}-of-{count:05}.safetensors" for i in range(1, count + 1)]
    if count == 1:
        files = [SINGLE]
    for file, names in zip(files, groups, strict=True):
        write_file({n: job.take(n) for n in names}, folder / file)
    if count > 1:
        places = {n: file for file, names in zip(files, groups, strict=True) for n in names}
        index = {"metadata": {"total_size": job.total}, "weight_map": places}
        (folder / INDEX).write_text(json.dumps(index, indent=2) + "\n")
    return tuple(files)


def _write_distributed(folder: Path, job: _Job) -> tuple[str, ...]:
    from model.checkpoint.dcp import write_tensors

    write_tensors(folder, {name: job.take(name) for name in job.sizes}, job.config.head_dim)
    return tuple(sorted(path.name for path in folder.glob("*.distcp")))


def _config_json(source: Path, config: ModelConfig, dtype: str) -> dict[str, Any]:
    """The source's own file where there is one: it may say more than we read from it."""
    if layout_of(source) is not Layout.HUGGING_FACE:
        return to_config_json(config, dtype)
    raw: dict[str, Any] = json.loads((source / CONFIG).read_text(encoding="utf-8"))
    raw.pop("torch_dtype", None)
    return raw | {"dtype": dtype}


def _generation(config: ModelConfig) -> dict[str, Any]:
    """Defaults of transformers' `generate`; a source's own file replaces it."""
    ids = {"bos_token_id": config.bos_id, "eos_token_id": list(config.eos_ids)}
    return _PUBLISHED_SAMPLING | {key: value for key, value in ids.items() if value}


def _copy_companions(source: Path, folder: Path) -> None:
    for pattern in _COMPANIONS:
        for path in source.glob(pattern):
            if path.is_file():
                shutil.copyfile(path, folder / path.name)


@contextmanager
def _new_folder(target: Path, needed: int) -> Iterator[Path]:
    """A folder beside `target` that gets its name at the end, or disappears."""
    parent = target.absolute().parent
    if not parent.is_dir():
        raise CheckpointError(f"there is no folder {parent}; create it first")
    if (free := shutil.disk_usage(parent).free) < needed:
        raise CheckpointError(
            f"{target} needs {needed:,} bytes, {parent} has {free:,} left; choose another disk"
        )
    staging = parent / f".{target.name}.{secrets.token_hex(4)}.partial"
    try:
        staging.mkdir()
        yield staging
        staging.rename(target)
    except ModelError:
        raise
    except (OSError, SafetensorError) as error:
        raise CheckpointError(f"cannot write {target}: {error}") from error
    finally:
        shutil.rmtree(staging, ignore_errors=True)
