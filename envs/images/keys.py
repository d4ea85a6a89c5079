"""Names of images by their content, and one builder of a name at a time."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from docker import DockerClient

FORMAT = 1  # part of every key; raise it when the way of building changes what comes out


def content_key(*parts: object) -> str:
    """12 hex digits over everything that decides what is in an image or environment."""
    canonical = json.dumps([FORMAT, *parts], sort_keys=True)
    return hashlib.sha256(canonical.encode()).hexdigest()[:12]


def present(client: DockerClient, name: str) -> bool:
    """Whether the engine has an image of this name."""
    from docker.errors import ImageNotFound

    try:
        client.images.get(name)
    except ImageNotFound:
        return False
    return True


@contextmanager
def image_lock(name: str) -> Iterator[None]:
    """One maker of an image at a time on this machine; the others wait and find it made."""
    from filelock import FileLock
    from platformdirs import user_cache_path

    folder = user_cache_path("cwm-agent") / "locks"
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / (name.replace("/", "-").replace(":", "-") + ".lock")):
        yield
