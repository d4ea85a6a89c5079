"""What sandboxes of dead processes left behind, and its removal."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from envs.bubblewrap.cgroup import orphan_cgroups
from envs.bubblewrap.sandbox import PREFIX, remove_folder
from envs.docker.commits import SNAPSHOTS, remove_snapshot
from envs.docker.engine import connect_engine
from envs.errors import SandboxError
from envs.sandbox.owner import LABEL, OWNER_FILE, SCRATCH, is_gone, labels
from envs.sandbox.sandbox import Owner

if TYPE_CHECKING:
    from docker import DockerClient

ENGINE_SECONDS = 5.0
UNNAMED_SECONDS = 3600.0
"""How old a folder without an owner must be: a sandbox writes its owner right after making it."""


@dataclass(frozen=True, slots=True)
class Orphan:
    """One container (its id), volume, image (its tag), folder (its path) or control group whose
    owner is gone."""

    kind: Literal["container", "volume", "image", "folder", "cgroup"]
    name: str


def find_orphans(client: DockerClient | None = None) -> list[Orphan]:
    """Everything that gone processes of this machine left; removes nothing.

    Without `client` the engine of the environment is asked, if one answers.
    """
    from docker.errors import DockerException

    found = [*_orphan_folders(), *(Orphan("cgroup", name) for name in orphan_cgroups())]
    engine = client
    try:
        engine = engine or connect_engine(timeout=ENGINE_SECONDS)
    except SandboxError:
        return found
    try:
        of_engine = (_orphan_containers, _orphan_volumes, _orphan_images)
        return [*(orphan for orphans in of_engine for orphan in orphans(engine)), *found]
    except (DockerException, OSError):  # it answered, and is too busy now
        return found
    finally:
        if client is None:
            engine.close()


def sweep(client: DockerClient | None = None) -> list[Orphan]:
    """Remove all orphans; returns those that were removed. Two sweeps at once are harmless."""
    return [orphan for orphan in find_orphans(client) if remove(orphan, client)]


def remove(orphan: Orphan, client: DockerClient | None = None) -> bool:
    """Remove one orphan; False where it was gone already or may not be removed by this user."""
    if orphan.kind == "cgroup":
        cgroup = orphan_cgroups().get(orphan.name)
        return cgroup is not None and cgroup.remove()
    if orphan.kind == "folder":
        try:
            remove_folder(Path(orphan.name))
        except OSError:
            return False
        return True
    from docker.errors import DockerException

    try:
        engine = client or connect_engine(timeout=ENGINE_SECONDS)
    except SandboxError:
        return False
    try:
        if orphan.kind == "image":
            return remove_snapshot(engine, orphan.name)
        if orphan.kind == "volume":
            engine.api.remove_volume(orphan.name)
        else:
            engine.api.remove_container(orphan.name, force=True, v=True)
    except (DockerException, OSError):  # gone (a volume with its container), or a busy engine
        return False
    finally:
        if client is None:
            engine.close()
    return True


@contextmanager
def owned_folder(owner: Owner) -> Iterator[Path]:
    """A temporary folder that a sweep removes where its owner could not."""
    owned = json.dumps(labels(owner))  # nothing comes between the folder and its owner
    folder = Path(tempfile.mkdtemp(prefix=PREFIX))
    try:
        (folder / OWNER_FILE).write_text(owned)
        yield folder
    finally:
        remove_folder(folder)


def _orphan_containers(client: DockerClient) -> Iterator[Orphan]:
    for container in client.api.containers(all=True, filters={"label": f"{LABEL}pid"}):
        if is_gone(container.get("Labels") or {}):
            yield Orphan("container", container["Id"][:12])


def _orphan_volumes(client: DockerClient) -> Iterator[Orphan]:
    for volume in client.api.volumes(filters={"label": f"{LABEL}pid"})["Volumes"] or ():
        if is_gone(volume.get("Labels") or {}):
            yield Orphan("volume", volume["Name"])


def _orphan_images(client: DockerClient) -> Iterator[Orphan]:
    """Snapshots only: an image that somebody else committed from a sandbox has the same labels."""
    for image in client.api.images(SNAPSHOTS, filters={"label": f"{LABEL}pid"}):
        if is_gone(image.get("Labels") or {}):
            yield from (Orphan("image", tag) for tag in image.get("RepoTags") or ())


def _orphan_folders() -> Iterator[Orphan]:
    temporary = Path(tempfile.gettempdir())
    for folder in sorted([*temporary.glob(f"{PREFIX}*"), *temporary.glob(f"{SCRATCH}*")]):
        try:
            gone = is_gone(json.loads((folder / OWNER_FILE).read_text()))
        except PermissionError:
            continue  # another user's
        except (OSError, ValueError, AttributeError):
            try:
                gone = time.time() - folder.stat().st_mtime > UNNAMED_SECONDS
            except OSError:
                continue
        if gone:
            yield Orphan("folder", str(folder))
