"""Bubblewrap, as the registry of sandboxes knows it; what is heavy is imported on use."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

from envs.errors import SandboxError
from envs.progress import Say
from envs.sandbox.kind import Contents, SandboxKind, SandboxSpec

if TYPE_CHECKING:
    from envs.bubblewrap.sandbox import BubblewrapSandbox
    from envs.bubblewrap.virtualenv import HostEnvironment

INSTALL = (
    "install bubblewrap (Debian, Ubuntu: apt install bubblewrap; Fedora: dnf install bubblewrap)"
)


@dataclass(frozen=True, slots=True)
class PreparedEnvironment:
    """A virtual environment on the host, shown to the sandboxes."""

    environment: HostEnvironment

    def make(self, spec: SandboxSpec) -> BubblewrapSandbox:
        """See Prepared."""
        from envs.bubblewrap.sandbox import BubblewrapSandbox

        return BubblewrapSandbox(
            limits=spec.limits,
            owner=spec.owner,
            environment={**self.environment.variables, **spec.variables},
            read_only_paths=[str(path) for path in self.environment.read_only],
            root=spec.root,
        )

    def working_folder(self) -> str:
        """There is no image that could name one."""
        return "/"


def _check() -> None:
    if shutil.which("bwrap") is None:
        raise SandboxError(
            "bubblewrap is not installed; install it (Debian, Ubuntu: apt install bubblewrap; "
            "Fedora: dnf install bubblewrap) or use --sandbox docker",
            cause="not_available",
        )


def _prepare(contents: Contents, say: Say) -> PreparedEnvironment:
    from envs.bubblewrap.virtualenv import host_environment

    if contents.image is not None:
        raise SandboxError("bubblewrap takes no image; use --sandbox docker")
    return PreparedEnvironment(host_environment(contents.recipe, say))


def _empty(spec: SandboxSpec) -> BubblewrapSandbox:
    from envs.bubblewrap.sandbox import BubblewrapSandbox

    return BubblewrapSandbox(
        limits=spec.limits, owner=spec.owner, environment=spec.variables, root=spec.root
    )


def _enter(run: str, instance: str, sample: int) -> list[str] | None:
    from envs.bubblewrap.entering import enter

    return enter(run, instance, sample)


BUBBLEWRAP = SandboxKind(
    name="bubblewrap",
    check=_check,
    prepare=_prepare,
    missing="bubblewrap is not installed",
    remedy=INSTALL,
    empty=_empty,
    enter=_enter,
    lacks={
        "image": "bubblewrap takes no image",
        "allowed_hosts": "bubblewrap has no proxy for sandbox.allow_hosts",
    },
)
