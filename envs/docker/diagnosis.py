"""What a Docker engine knows of one container, also of one that does not start."""

from __future__ import annotations

import time
from importlib import resources
from typing import TYPE_CHECKING, Any

from envs.docker.disk_watch import DiskWatch
from envs.errors import SandboxError, first_line
from envs.sandbox.diagnosis import Control, Counters
from tools.workspace import Cause

if TYPE_CHECKING:
    from docker import DockerClient

ASK_SECONDS = 5.0
SETTLE_SECONDS = 3.0
_WRONG_IMAGE = ("unable to find user", "unable to find group", "working dir", "no matching entries",
                "not a directory", "invalid user", "invalid uid")  # fmt: skip
"""What engines answer when an image's own settings keep it from starting, each time anew."""


def not_started(error: Exception, client: DockerClient, image: str) -> SandboxError:
    """Why no container of `image` starts, as the engine says it, with the remedy."""
    what, said = f"no container of {image} could be started", first_line(error)
    if '"bash"' in str(error):
        path = _odd_path(client, image)
        if path is not None:
            return SandboxError(
                f"{what}: there is no bash in its PATH, which is {path!r}; correct the image's "
                "ENV PATH, or set it with --env PATH=...",
                cause="not_available",
            )
        return SandboxError(
            f"{what}: the image needs bash 4.4 and coreutils; add them, or name another with "
            "--image",
            cause="not_available",
        )
    if any(sign in said for sign in _WRONG_IMAGE):
        return SandboxError(
            f"{what}: {said}; correct USER and WORKDIR of the image (or --workdir), or name "
            "another with --image",
            cause="not_available",
        )
    return SandboxError(
        f"{what}: {said}; see `docker info` and the free disk space", cause="engine_unreachable"
    )


def _odd_path(client: DockerClient, image: str) -> str | None:
    """The image's PATH where it lacks the folders in which systems have bash, else None."""
    from docker.errors import DockerException

    try:
        variables = client.images.get(image).attrs["Config"].get("Env") or ()
    except (DockerException, OSError):  # the first error counts
        return None
    path = next((v.partition("=")[2] for v in variables if v.startswith("PATH=")), None)
    usual = path is None or {"/bin", "/usr/bin"} & set(path.split(":"))
    return None if usual else path or ""


class DockerDiagnostics:
    """Asks the engine about a container, never for long."""

    def __init__(self, client: DockerClient, container: str, *, watched_bytes: int | None) -> None:
        """`watched_bytes` is the disk limit where the engine's storage keeps none itself."""
        self._client = client
        self._container = container
        self._watched = watched_bytes is not None
        self._disk = DiskWatch(self._written, watched_bytes or 0)

    def counters(self, control: Control) -> Counters:
        """See Diagnostics; read inside, where the container's own cgroup is mounted."""
        script = resources.files("envs").joinpath("scripts", "counters.sh").read_text()
        return Counters.parse(control(script).decode("ascii", "ignore").splitlines())

    def gone(self) -> Cause:
        """See Diagnostics."""
        deadline = time.monotonic() + SETTLE_SECONDS
        while (cause := self._state()) == "shell_unusable" and time.monotonic() < deadline:
            time.sleep(0.2)  # an engine that is going down tells of its containers' end late
        return cause

    def disk_exceeded(self) -> bool:
        """See Diagnostics."""
        return self._watched and self._disk.exceeded()

    def on_host_disk(self) -> bool:
        """See Diagnostics."""
        return self._watched

    def _state(self) -> Cause:
        try:
            status, facts = self._inspect()
        except OSError:
            return "engine_unreachable"
        if status == 404:
            return "container_gone"
        state = facts.get("State") or {}
        if state.get("Paused"):
            return "container_paused"
        return "shell_unusable" if state.get("Running") else "container_gone"

    def _written(self) -> int:
        """Bytes in the container's own layer; 0 when the engine does not say."""
        try:
            return int(self._inspect(size=True)[1].get("SizeRw") or 0)
        except OSError:
            return 0

    def _inspect(self, *, size: bool = False) -> tuple[int, dict[str, Any]]:
        """Status and body; the SDK's own call would wait as long as for an image build."""
        api = self._client.api
        answer = api.get(
            f"{api.base_url}/v{api.api_version}/containers/{self._container}/json",
            params={"size": "1"} if size else None,
            timeout=ASK_SECONDS,
        )
        return answer.status_code, answer.json() if answer.status_code == 200 else {}
