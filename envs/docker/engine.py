"""The connection to the Docker engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envs.errors import SandboxError, first_line

if TYPE_CHECKING:
    from docker import DockerClient


ENGINE_SECONDS = 60.0


def connect_engine(*, timeout: float = ENGINE_SECONDS) -> DockerClient:
    """The engine that DOCKER_HOST or the current context names; raises SandboxError."""
    import docker
    from docker.errors import DockerException

    try:
        client = docker.from_env(timeout=timeout)
        client.ping()
    except (DockerException, OSError, ValueError) as error:  # ValueError: DOCKER_HOST is no URL
        said = first_line(error)
        remedy = "start it (for example: systemctl start docker)"
        if "Permission denied" in said:
            remedy = "join the group that may use it (for example: sudo usermod -aG docker $USER)"
        raise SandboxError(
            f"no Docker engine answers ({said}); {remedy}, set DOCKER_HOST, "
            "or use --sandbox bubblewrap",
            cause="engine_unreachable",
        ) from error
    return client
