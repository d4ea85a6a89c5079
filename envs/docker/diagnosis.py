"""What a Docker engine knows of one container."""

from __future__ import annotations

import time
from importlib import resources
from typing import TYPE_CHECKING, Any

from envs.docker.disk_watch import DiskWatch
from envs.sandbox.diagnosis import Control, Counters
from tools.workspace import Cause

if TYPE_CHECKING:
    from docker import DockerClient

ASK_SECONDS = 5.0
SETTLE_SECONDS = 3.0


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
