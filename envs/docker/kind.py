"""Docker, as the registry of sandboxes knows it; what is heavy is imported on use."""

from __future__ import annotations

import shutil
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from envs.errors import SandboxError
from envs.progress import Say
from envs.sandbox.kind import Contents, SandboxKind, SandboxSpec
from envs.sandbox.owner import LABEL

if TYPE_CHECKING:
    from envs.docker.sandbox import DockerSandbox

BUILD_SECONDS = 3600.0
"""How long the engine may be silent while it builds an image."""
CHECK_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class PreparedImage:
    """An image that the engine has. `say` hears what is wrong with its shells' start file."""

    name: str
    say: Say

    def make(self, spec: SandboxSpec) -> DockerSandbox:
        """See Prepared."""
        from envs.docker.sandbox import DockerSandbox

        return DockerSandbox(
            self.name,
            limits=spec.limits,
            owner=spec.owner,
            root=spec.root,
            environment=spec.variables,
            say=self.say,
        )

    def working_folder(self) -> str:
        """See Prepared."""
        from envs.docker.engine import connect_engine

        with closing(connect_engine()) as client:
            return str(client.images.get(self.name).attrs["Config"].get("WorkingDir") or "/")


def _check() -> None:
    from envs.docker.engine import connect_engine

    connect_engine(timeout=CHECK_SECONDS).close()


def _prepare(contents: Contents, say: Say) -> PreparedImage:
    """Build or pull the image; raises PullError with the build command where there is one."""
    from envs.docker.dockerfile import Context, context_image
    from envs.docker.engine import connect_engine
    from envs.images.access import ImageAccess
    from envs.images.pull_errors import PullError
    from envs.images.recipes import proxy_image, recipe_image
    from envs.images.store import ImageStore

    with closing(connect_engine(timeout=BUILD_SECONDS)) as client:
        access = ImageAccess(ImageStore.of_engine(client), min_free=contents.min_free, progress=say)
        name = contents.image
        if name is None and contents.context is None:
            name = recipe_image(client, contents.recipe, say)
        try:
            if name is not None:
                access.have(name)
        except PullError as error:
            if contents.context is None:
                raise error.buildable(contents.build) from error
            name = None
        if name is None:
            assert contents.context is not None
            context = Context(contents.context, contents.build_seconds)
            name = context_image(client, context, access, say)
            access.have(name)  # records that it is used: `images prune` goes by that
        if contents.proxy:
            proxy_image(client, say)
    return PreparedImage(name, say)


def _enter(run: str, instance: str, sample: int) -> list[str] | None:
    """`docker exec` into the newest of its containers that is not there for its network alone."""
    from docker.errors import DockerException

    from envs.docker.engine import connect_engine

    wanted = {"run": run, "instance": instance, "sample": str(sample)}
    labels = [f"{LABEL}{name}={value}" for name, value in wanted.items()]
    try:
        with closing(connect_engine(timeout=CHECK_SECONDS)) as client:
            rows = client.api.containers(filters={"label": labels})
    except (SandboxError, DockerException, OSError):  # none is there, so none of its containers
        return None
    rows = [row for row in rows if f"{LABEL}role" not in (row.get("Labels") or {})]
    if not rows:
        return None
    if shutil.which("docker") is None:
        raise SandboxError("the program docker is not installed, only its engine is")
    newest = max(rows, key=lambda row: float(row["Created"]))
    return ["docker", "exec", "--interactive", "--tty", newest["Id"], "bash"]


DOCKER = SandboxKind(
    name="docker",
    check=_check,
    prepare=_prepare,
    missing="no Docker engine answers",
    remedy="start Docker",
    enter=_enter,
)
