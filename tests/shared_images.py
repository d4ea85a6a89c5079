"""Images that several files of tests use: made by the first, removed when all tests are over.

The process that begins the tests names a folder to those that it starts; the folder's name
is in the names of the images.
"""

from __future__ import annotations

import os
import secrets
import shutil
import tempfile
from pathlib import Path

FOLDER = "TESTS_OF_CWM_AGENT"
MARK = "images"


def begin() -> bool:
    """Name the folder; whether this process is the one to call `end`."""
    if FOLDER in os.environ:
        return False
    folder = Path(tempfile.gettempdir()) / f"cwm-agent-tests-{secrets.token_hex(4)}"
    folder.mkdir()
    os.environ[FOLDER] = str(folder)
    return True


def shared_image_prefix() -> str:
    """How the name of each image begins."""
    folder = Path(os.environ[FOLDER])
    (folder / MARK).touch()
    return _prefix(folder)


def end() -> None:
    """Remove the images, the last built first, and the folder."""
    folder = Path(os.environ.pop(FOLDER))
    if (folder / MARK).exists():
        import docker

        client = docker.from_env(timeout=600)
        for kind in ("testbed", "environment"):
            for image in client.images.list(f"{_prefix(folder)}{kind}"):
                client.images.remove(image.id, force=True)
        client.close()
    shutil.rmtree(folder)


def _prefix(folder: Path) -> str:
    return f"cwm-agent-test/{folder.name.rpartition('-')[2]}-"
