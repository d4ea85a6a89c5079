"""Which kind of sandbox this machine can give."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from typing import Literal

from envs.bubblewrap.sandbox import BubblewrapSandbox
from envs.docker.engine import connect_engine
from envs.docker.sandbox import DockerSandbox
from envs.errors import SandboxError
from envs.sandbox.sandbox import Owner, Sandbox, SandboxLimits

Kind = Literal["auto", "docker", "bubblewrap"]


def choose_kind(kind: Kind = "auto") -> Literal["docker", "bubblewrap"]:
    """Docker when an engine answers, else bubblewrap; raises SandboxError when neither is there.

    A kind that is named is only checked for.
    """
    if kind in ("auto", "docker"):
        try:
            connect_engine(timeout=5.0).close()
            return "docker"
        except SandboxError as error:
            if kind == "docker":
                raise
            no_engine = error
    if shutil.which("bwrap") is not None:
        return "bubblewrap"
    if kind == "bubblewrap":
        raise SandboxError(
            "bubblewrap is not installed; install it (Debian, Ubuntu: apt install bubblewrap; "
            "Fedora: dnf install bubblewrap) or use --sandbox docker",
            cause="not_available",
        )
    raise SandboxError(
        "commands need a sandbox, and this machine has none: no Docker engine answers and "
        "bubblewrap is not installed; start Docker, or install bubblewrap "
        "(Debian, Ubuntu: apt install bubblewrap; Fedora: dnf install bubblewrap)",
        cause="not_available",
    ) from no_engine


def open_sandbox(
    kind: Kind,
    *,
    image: str | None,
    limits: SandboxLimits,
    owner: Owner,
    environment: Mapping[str, str] | None = None,
    read_only_paths: Sequence[str] = (),
    root: str = "/testbed",
) -> Sandbox:
    """An open sandbox; close it, or use it as a context manager. Raises SandboxError.

    `image` is for Docker, which needs one; `read_only_paths` are for bubblewrap.
    """
    if choose_kind(kind) == "docker":
        if image is None:
            raise SandboxError("a Docker sandbox needs an image; name one with --image")
        sandbox: Sandbox = DockerSandbox(
            image, limits=limits, owner=owner, environment=environment, root=root
        )
    else:
        sandbox = BubblewrapSandbox(
            limits=limits,
            owner=owner,
            environment=environment,
            read_only_paths=read_only_paths,
            root=root,
        )
    sandbox.open()
    return sandbox
