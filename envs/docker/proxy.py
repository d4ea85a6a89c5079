"""The one way out of a Docker sandbox that may reach a few hosts.

The sandbox keeps a network namespace with nothing but its loopback. A second
container shares that namespace and passes on what comes to one port there,
over a socket in a volume, to a third one: the proxy, which has a network. So
the sandbox has no route, no resolver and no neighbour, whatever the engine
makes of a network that it calls internal; and what reaches the proxy has been
through no code of ours.
"""

from __future__ import annotations

import contextlib
from dataclasses import replace
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from envs.docker.limits import walls
from envs.docker.removal import remove_container
from envs.errors import SandboxError, first_line
from envs.images.recipes import PROXY_FOLDER, proxy_image
from envs.sandbox.allowed_hosts import PORT, configuration, hosts_file
from envs.sandbox.owner import LABEL, labels
from envs.sandbox.sandbox import Owner, SandboxLimits

if TYPE_CHECKING:
    from docker import DockerClient

USER = "proxy"
HAS_IPV6 = Path("/proc/sys/net/ipv6")
IPV6_OFF = "net.ipv6.conf.all.disable_ipv6"
MEMORY_BYTES = 256 * 2**20
PIDS = 128
FILE_BYTES = 16 * 2**20


class Gateway:
    """Two containers of one sandbox; both end when our process does, as the sandbox does."""

    def __init__(self, client: DockerClient, owner: Owner, limits: SandboxLimits) -> None:
        """`limits` are the sandbox's: its hosts and its lifetime."""
        self._client = client
        self._owner = owner
        self._limits = limits
        self._containers: list[Any] = []
        self._lifelines: list[Any] = []

    def open(self, sandbox: str) -> None:
        """Open the way for the running container `sandbox`; raises SandboxError.

        It has been tried when this returns: a name that is not on the list was refused.
        """
        from docker.errors import DockerException
        from docker.types import Mount

        image = proxy_image(self._client)
        hosts = self._limits.allowed_hosts
        volume = Mount(PROXY_FOLDER, None, labels=labels(self._owner))
        try:
            proxy = self._start(
                image,
                "proxy",
                network="bridge",
                sysctls={IPV6_OFF: "1"} if HAS_IPV6.exists() else {},
                mounts=[volume],
                environment={"CONFIGURATION": configuration(hosts), "HOSTS": hosts_file(hosts)},
            )
            network = f"container:{sandbox}"
            relay = self._start(image, "relay", network=network, volumes_from=[proxy.id])
            ready = relay.exec_run(["bash", "-c", _script("gateway_ready.sh"), "ready", str(PORT)])
        except (DockerException, OSError) as error:
            raise SandboxError(
                f"cannot open a route to the allowed hosts: {first_line(error)}; "
                "see `docker info`, or leave out sandbox.allow_hosts",
                cause="engine_unreachable",
            ) from error
        if ready.exit_code != 0:
            raise SandboxError(
                "the proxy for the allowed hosts does not answer; is the machine out of memory?",
                cause="container_gone",
            )

    def close(self) -> None:
        """Remove both containers and the volume; raises SandboxError."""
        lifelines, self._lifelines = self._lifelines, []
        containers, self._containers = self._containers, []
        with contextlib.ExitStack() as stack:
            for container in containers:
                stack.callback(remove_container, container)
            for lifeline in lifelines:
                lifeline.close()

    def _start(self, image: str, role: str, *, network: str, **more: Any) -> Any:
        small = replace(
            self._limits, memory_bytes=MEMORY_BYTES, pids=PIDS, disk_bytes=FILE_BYTES, cpus=1.0
        )
        lifetime = f"{self._limits.lifetime_seconds:.0f}"
        own = {
            "cap_add": [],
            "network_mode": network,
            "tmpfs": {"/tmp": f"size={FILE_BYTES}"},
        }
        container = self._client.containers.create(
            image,
            entrypoint=["bash", "-c", _script("gateway.sh"), "gateway", role, str(PORT), lifetime],
            command=[],
            user=USER,
            labels={**labels(self._owner), f"{LABEL}role": role},
            read_only=True,
            **{**walls(small, quota=False), **own, **more},
        )
        self._containers.append(container)
        self._lifelines.append(
            self._client.api.attach_socket(container.id, {"stdin": 1, "stream": 1})
        )
        container.start()
        return container


def _script(name: str) -> str:
    return resources.files("envs").joinpath("scripts", name).read_text()
