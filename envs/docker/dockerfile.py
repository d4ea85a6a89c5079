"""An image from a folder with a Dockerfile, named by what is in it, by the engine's own builder."""

from __future__ import annotations

import hashlib
import os
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from envs.errors import SandboxError
from envs.images.access import ImageAccess
from envs.images.host_settings import proxy_variables
from envs.images.keys import content_key, image_lock, present
from envs.images.pull_errors import PullError
from envs.images.store import LABEL
from envs.progress import Say

if TYPE_CHECKING:
    from docker import DockerClient

_FROM = re.compile(r"FROM\s+(?:--\S+\s+)*(?P<image>\S+)(?:\s+AS\s+(?P<stage>\S+))?", re.IGNORECASE)
_ARG = re.compile(r"ARG\s+(\w+)=(\"[^\"]*\"|\S+)", re.IGNORECASE)
_VARIABLE = re.compile(r"\$(?:\{(\w+)(?::-([^}]*))?\}|(\w+))")
LINES_KEPT = 15


@dataclass(frozen=True, slots=True)
class Context:
    """A folder with a Dockerfile, and the seconds that the engine may build."""

    folder: Path
    seconds: float = 600.0


def context_image(
    client: DockerClient, context: Context, access: ImageAccess, progress: Say
) -> str:
    """The tag of the folder's image, built on first use; raises SandboxError with the remedy.

    Another content, or another image under a name of a FROM line, is another tag.
    """
    for base in base_images(context.folder / "Dockerfile"):
        _have_base(access, base, context.folder)
    bases = [client.images.get(b).id for b in base_images(context.folder / "Dockerfile")]
    tag = f"cwm-agent/harbor:{content_key(bases, *_contents(context.folder))}"
    if present(client, tag):
        return tag
    with image_lock(tag):
        if not present(client, tag):
            progress(f"building the image {tag} of {context.folder} (once)")
            _build(client, context, tag, proxy_variables(os.environ), progress)
    return tag


def base_images(dockerfile: Path) -> list[str]:
    """The images that the FROM lines name, stages of the file and `scratch` excepted."""
    arguments: dict[str, str] = {}
    stages: set[str] = set()
    found: list[str] = []
    for line in dockerfile.read_text("utf-8", errors="replace").splitlines():
        if match := _ARG.match(line.strip()):
            if not found:
                arguments[match[1]] = match[2].strip('"')
        elif match := _FROM.match(line.strip()):
            name = _VARIABLE.sub(lambda v: arguments.get(v[1] or v[3], v[2] or ""), match["image"])
            if name.lower() not in stages and name != "scratch":
                found.append(name)
            if match["stage"]:
                stages.add(match["stage"].lower())
    return list(dict.fromkeys(found))


def _have_base(access: ImageAccess, name: str, folder: Path) -> None:
    try:
        access.have(name)
    except PullError as error:
        raise SandboxError(
            f"{folder}/Dockerfile begins FROM {name}: {error}; or load it (docker load), or make a "
            f"stand-in of Debian packages under that name: cwm-agent images base --tag {name}",
            cause=error.cause,
        ) from error


def _build(
    client: DockerClient, context: Context, tag: str, arguments: dict[str, str], progress: Say
) -> None:
    """Let the engine build; ending the stream of its answer ends the build."""
    from docker.errors import APIError, DockerException

    deadline, tail = time.monotonic() + context.seconds, [""]
    try:
        answer = client.api.build(
            path=str(context.folder), tag=tag, labels={LABEL: "harbor"}, rm=True, forcerm=True,
            buildargs=arguments, decode=True,
        )  # fmt: skip
        for said in answer:
            for line in str(said.get("stream", "")).splitlines():
                tail = [*tail[-LINES_KEPT:], line.rstrip()]
                progress(line.rstrip())
            if "error" in said:
                raise SandboxError(_failed(context, str(said["error"]), tail))
            if time.monotonic() > deadline:
                took = f"it took more than {context.seconds:.0f} s (build_timeout_sec)"
                raise SandboxError(_failed(context, took, tail))
    except (APIError, DockerException, OSError, TypeError) as error:
        reason = str(getattr(error, "explanation", None) or error)
        raise SandboxError(_failed(context, reason, tail)) from error


def _failed(context: Context, reason: str, tail: list[str]) -> str:
    lines = "\n".join(line for line in tail if line)
    return (
        f"{context.folder}/Dockerfile could not be built ({reason.strip()}); mend it, or see what "
        f"`docker build {context.folder}` says" + (f". Its last lines:\n{lines}" if lines else "")
    )


def _contents(folder: Path) -> Iterator[tuple[str, int, str]]:
    """Every file: its path, whether it is executable, its digest or where it points."""
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_symlink():
            yield name, -1, str(path.readlink())
        elif path.is_file():
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
            yield name, path.stat().st_mode & 0o111, digest
