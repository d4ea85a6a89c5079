"""The checksums of rows at their first use, kept beside the revisions."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from cwm_agent.errors import NotReadyError
from cwm_agent.tasks.datasets import kept

CHUNK = 2**22


def check(name: str, digest: str, pins: Path) -> None:
    """Raise NotReadyError where the rows called `name` had another digest at their first use."""
    known = kept(name, pins, lambda: digest)
    if known != digest:
        raise NotReadyError(
            f"{name} is not what it was at its first use (SHA-256 {digest[:12]}, then {known[:12]})"
            f"; remove it from the hub's cache to get it anew, or its line from {pins} to accept it"
        )


def digest_of_file(path: Path) -> str:
    """The SHA-256 of its bytes."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while data := file.read(CHUNK):
            digest.update(data)
    return digest.hexdigest()


def digest_of_rows(rows: Iterable[Mapping[str, Any]]) -> str:
    """The SHA-256 of the rows as JSON with sorted keys."""
    text = json.dumps(list(rows), sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()
