"""Running a script on top of an image and keeping the result as a new one.

A container is made, folders of the host are copied into it, the script runs in
it, and the container is committed: one layer, whatever the script did. Host
settings lie in a folder that is removed before the commit, so they are in no
layer; variables go to the script alone.
"""

from __future__ import annotations

import contextlib
import io
import json
import tarfile
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from envs.errors import SandboxError
from envs.images.host_settings import host_settings
from envs.progress import Say
from envs.sandbox.archive import archive

if TYPE_CHECKING:
    from docker import DockerClient
    from docker.models.containers import Container


SETTINGS = "/.build-settings"


@dataclass(frozen=True, slots=True)
class Build:
    """One image to make: from which one, by which script, with which variables and labels.

    `trees` maps paths in the container to folders of this host that are copied
    there first, owned by root. `script_environment` is for the script alone;
    `environment` stays in the image.
    """

    tag: str
    base: str
    script: str
    environment: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    trees: Mapping[str, Path] = field(default_factory=dict)
    script_environment: Mapping[str, str] = field(default_factory=dict)
    working_dir: str = "/"
    network: str | None = None
    """The engine's network for the script; None is the engine's default."""


def build_image(client: DockerClient, build: Build, progress: Say) -> None:
    """Make the image; raises SandboxError with the end of the script's output."""
    from docker.errors import DockerException

    try:
        remove_orphan_build(client, build.tag)
        _build(client, build, progress)
    except (DockerException, OSError) as error:
        said = str(getattr(error, "explanation", None) or error).strip().splitlines()
        raise SandboxError(
            f"the engine could not build {build.tag} ({said[0] if said else 'no reason given'}); "
            "see `docker info` and the free disk space"
        ) from error


def _build(client: DockerClient, build: Build, progress: Say) -> None:
    container = client.containers.create(
        build.base,
        ["sleep", "infinity"],
        name=container_name(build.tag),
        entrypoint=[],
        init=True,
        network=build.network,
    )
    try:
        container.start()
        for target, folder in build.trees.items():
            _copy(container, folder, target)
        _run_script(client, container, build, progress)
        repository, _, version = build.tag.rpartition(":")
        container.commit(repository, version, changes=_changes(build))
    finally:
        container.remove(force=True, v=True)


def container_name(tag: str) -> str:
    """The container in which `tag` is built; a label would pass into the image."""
    return "build-" + tag.replace("/", "-").replace(":", "-")


def remove_orphan_build(client: DockerClient, tag: str) -> None:
    """Remove what a killed builder of the same tag left; the caller holds the tag's lock."""
    from docker.errors import NotFound

    with contextlib.suppress(NotFound):
        client.containers.get(container_name(tag)).remove(force=True, v=True)


def _run_script(client: DockerClient, container: Container, build: Build, progress: Say) -> None:
    settings = host_settings(SETTINGS)
    container.put_archive("/", _settings_archive(SETTINGS.lstrip("/"), settings.files))
    variables = {**build.script_environment, **settings.environment}
    execution = client.api.exec_create(
        container.id, ["sh", "-euc", build.script], environment=variables
    )["Id"]
    tail: list[str] = []
    pending = ""
    for chunk in client.api.exec_start(execution, stream=True):
        *lines, pending = (pending + chunk.decode(errors="replace")).split("\n")
        for line in lines:
            tail = [*tail[-19:], line.rstrip()]
            progress(line.rstrip())
    code = client.api.exec_inspect(execution)["ExitCode"]
    if code != 0:
        raise SandboxError(
            f"building {build.tag} failed with code {code}; check the network and the pins. "
            "Its last lines:\n" + "\n".join([*tail, pending])
        )
    container.exec_run(["rm", "-rf", SETTINGS])


def _copy(container: Container, folder: Path, target: str) -> None:
    container.exec_run(["mkdir", "-p", target])
    with tempfile.TemporaryFile() as file:
        archive(folder, file, user=0, group=0)
        file.seek(0)
        container.put_archive(target, file)


def _settings_archive(folder: str, files: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        top = tarfile.TarInfo(folder)
        top.type, top.mode = tarfile.DIRTYPE, 0o755
        tar.addfile(top)
        for name, data in files.items():
            entry = tarfile.TarInfo(f"{folder}/{name}")
            entry.size, entry.mode = len(data), 0o644
            tar.addfile(entry, io.BytesIO(data))
    return buffer.getvalue()


def _changes(build: Build) -> list[str]:
    """Dockerfile lines for `commit`; a dollar sign would otherwise be expanded there."""
    lines = ["ENTRYPOINT []", 'CMD ["bash"]', f"WORKDIR {build.working_dir}"]
    for word, pairs in (("ENV", build.environment), ("LABEL", build.labels)):
        for name, value in pairs.items():
            lines.append(f"{word} {name}={json.dumps(value).replace('$', chr(92) + '$')}")
    return lines
