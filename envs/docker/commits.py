"""The whole file system of a container, kept as an image: what a git tree cannot hold.

Packages that were installed, files that git ignores, everything outside the
repository. A commit adds a layer, and overlay2 stacks at most 128, so a
container that stands on many is written out as one layer instead.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from envs.docker.sandbox import DockerSandbox
from envs.errors import SandboxError
from envs.repository.repository import SandboxRepository
from envs.repository.restore import Branch, TurnState, check_tree, stand
from envs.sandbox.sandbox import Sandbox

if TYPE_CHECKING:
    from docker import DockerClient

SNAPSHOTS = "cwm-agent/snapshot"
"""Repository of the tags. The owner's labels, which an image inherits, say whose it is."""
MOST_LAYERS = 100


@dataclass(frozen=True, slots=True)
class ContainerCommit:
    """An image of a container, and the state of the repository in it.

    `start` is the tree that its diffs begin from. Running processes and
    variables of the shell are not in it.
    """

    image: str
    layers: int
    flattened: bool
    start: str
    state: TurnState


class ContainerCommits:
    """The commits of one attempt. `close` removes them, the sweep those of a killed process."""

    def __init__(self, client: DockerClient, *, most_layers: int = MOST_LAYERS) -> None:
        """Above `most_layers` a commit is flattened to one."""
        self._client = client
        self._most_layers = most_layers
        self._tags: list[str] = []

    def take(
        self, sandbox: DockerSandbox, repository: SandboxRepository, turn: int
    ) -> ContainerCommit:
        """Commit the container as it is after `turn`; raises SandboxError."""
        from docker.errors import DockerException

        now = repository.snapshot()
        version = secrets.token_hex(6)
        tag = f"{SNAPSHOTS}:{version}"
        self._tags.append(tag)  # before it exists: from here on `close` removes it
        try:
            container = self._client.containers.get(sandbox.container_id)
            flattened = _layers(self._client, container.attrs["Image"]) >= self._most_layers
            if flattened:
                _flatten(self._client, container, version)
            else:
                container.commit(SNAPSHOTS, version)  # its processes stand still meanwhile
            layers = _layers(self._client, tag)
        except (DockerException, OSError) as error:
            raise SandboxError(
                f"the container could not be kept as an image: {error}; "
                "see `docker info` and the free disk space"
            ) from error
        state = TurnState(turn, now.tree, now.diff, sandbox.cwd)
        return ContainerCommit(tag, layers, flattened, repository.start_tree, state)

    def close(self) -> None:
        """Remove all images; one that a branch still stands on stays for the sweep."""
        for tag in self._tags:
            remove_snapshot(self._client, tag)
        self._tags.clear()

    def __enter__(self) -> ContainerCommits:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


def branch_commit(
    make: Callable[[str], Sandbox], commit: ContainerCommit, *, root: str = "/testbed"
) -> Branch:
    """A sandbox from `make` (given the image), opened with everything that the commit holds.

    Raises SandboxError when its repository is not the one that was committed.
    """
    sandbox = make(commit.image)
    try:
        sandbox.open()
        repository = SandboxRepository(sandbox, root)
        repository.reopen(commit.start)
        check_tree(repository.snapshot().tree, commit.state)
        stand(sandbox, commit.state.cwd, root=root)
    except BaseException:
        sandbox.close()
        raise
    return Branch(sandbox, repository)


def remove_snapshot(client: DockerClient, tag: str) -> bool:
    """Remove a snapshot; False where there is none, or a container stands on it."""
    from docker.errors import DockerException

    try:
        client.images.remove(tag)
    except (DockerException, OSError):
        return False
    return True


def _flatten(client: DockerClient, container: Any, version: str) -> None:
    """Write the whole file system out and in again, with the image's settings."""
    config = container.attrs["Config"]
    changes = [f"ENV {name}={_quoted(value)}" for name, value in _pairs(config.get("Env"))]
    changes += [
        f"LABEL {_quoted(name)}={_quoted(value)}" for name, value in config["Labels"].items()
    ]
    if config.get("User"):
        changes.append(f"USER {config['User']}")
    changes.append('CMD ["bash"]')
    container.pause()
    try:
        answer = client.api.import_image_from_stream(container.export(), changes=changes)
    finally:
        container.unpause()
    # Tagged afterwards: Podman does not find an image by the name given to an import.
    image = json.loads(answer.strip().splitlines()[-1])["status"]
    client.images.get(image).tag(SNAPSHOTS, version)


def _layers(client: DockerClient, image: str) -> int:
    return len(client.images.get(image).attrs["RootFS"]["Layers"])


def _pairs(environment: list[str] | None) -> list[tuple[str, str]]:
    return [(name, value) for name, _, value in (line.partition("=") for line in environment or ())]


def _quoted(value: str) -> str:
    """A word of a Dockerfile instruction, in double quotes; it knows no line break."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("$", "\\$")
    return '"' + escaped.replace("\n", " ") + '"'
