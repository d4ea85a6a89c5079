"""Files that are either whole or not there."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from pathlib import Path
from typing import TypeVar

from results.codec import decode, encode, parse_json
from results.errors import RecordError, RunFolderError

T = TypeVar("T")


def sync_folder(folder: Path) -> None:
    """Make the entries of `folder` durable (fsync of the directory)."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_atomically(path: Path, data: bytes) -> None:
    """Replace `path` by `data` in one step that survives a power cut.

    Temporary file in the same folder, fsync, rename, fsync of the folder.
    Raises RunFolderError, also for what is no file: a device would be replaced by one.
    """
    if path.exists() and not path.is_file():
        raise RunFolderError(f"cannot write {path}: it is not a file; name another")
    try:
        descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
                file.flush()
                os.fchmod(file.fileno(), 0o644)
                os.fsync(file.fileno())
            Path(temporary).rename(path)
        except BaseException:
            with contextlib.suppress(FileNotFoundError):
                Path(temporary).unlink()
            raise
        sync_folder(path.parent)
    except OSError as error:
        raise RunFolderError(
            f"cannot write {path}: {error.strerror}; free some space or choose another runs folder"
        ) from error


def write_record(path: Path, record: object) -> None:
    """Write a record as indented JSON, atomically."""
    text = json.dumps(encode(record), indent=2) + "\n"
    write_atomically(path, text.encode("ascii"))


def read_record(kind: type[T], path: Path) -> T | None:
    """The record in `path`, or None without that file; raises RunFolderError if it is damaged."""
    if path.is_fifo():
        raise RunFolderError(f"{path} is damaged: it is a pipe; restore or remove it")
    try:
        return decode(kind, parse_json(path.read_bytes()))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise RunFolderError(f"cannot read {path}: {error.strerror}") from error
    except (ValueError, RecordError) as error:
        raise RunFolderError(f"{path} is damaged: {error}; restore or remove it") from error
