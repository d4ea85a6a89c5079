"""A sandbox in a Docker container: one exec socket per shell, no server and no Python inside."""

from __future__ import annotations

import contextlib
import select
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from envs.errors import SandboxError
from envs.framing import Demultiplexer
from envs.owner import labels
from envs.sandbox import Owner, SandboxLimits
from envs.session import Session
from envs.stream import READ_SIZE, Channel, Stream, StreamClosed, send_all
from envs.tree import archive
from tools.workspace import CommandResult, PathKind

if TYPE_CHECKING:
    from docker import DockerClient

ENGINE_SECONDS = 60.0
CPU_PERIOD = 100_000  # microseconds, the kernel's own default
CHANNELS: dict[int, Channel] = {1: "output", 2: "protocol"}


def connect_engine(*, timeout: float = ENGINE_SECONDS) -> DockerClient:
    """The engine that DOCKER_HOST or the current context names; raises SandboxError."""
    import docker
    from docker.errors import DockerException

    try:
        client = docker.from_env(timeout=timeout)
        client.ping()
    except (DockerException, OSError) as error:
        raise SandboxError(
            f"no Docker engine answers ({_first_line(error)}); start it "
            "(for example: systemctl start docker), set DOCKER_HOST, or use --sandbox bubblewrap"
        ) from error
    return client


class DockerSandbox:
    """A container that only this process uses.

    No network unless `limits.network`, all capabilities dropped, no new
    privileges, and memory, processes and CPU limited by its cgroup. Files are
    limited only by the engine's storage.
    """

    kind = "docker"

    def __init__(
        self,
        image: str,
        *,
        limits: SandboxLimits,
        owner: Owner,
        environment: Mapping[str, str] | None = None,
        root: str = "/testbed",
        client: DockerClient | None = None,
    ) -> None:
        """`root` is where the shell starts; `client` defaults to the engine of the environment."""
        self._image = image
        self._limits = limits
        self._owner = owner
        self._environment = {"LANG": "C.UTF-8", "TERM": "dumb", **(environment or {})}
        self._client = client
        self._container: Any = None
        self._root = root
        self._session = Session(self._connect, root=root, output_bytes=limits.output_bytes)

    def open(self) -> None:
        """Create the container and start the shells; raises SandboxError with the remedy."""
        if self._container is not None:
            return
        if self._client is None:
            self._client = connect_engine()
        try:
            self._create(self._client)
            self._session.open()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Remove the container with its volumes."""
        from docker.errors import APIError, DockerException, NotFound

        self._session.close()
        container, self._container = self._container, None
        if container is None:
            return
        try:
            with contextlib.suppress(NotFound):
                container.remove(force=True, v=True)
        except APIError as error:
            if error.status_code != 409:  # 409: its removal is already under way
                raise SandboxError(_not_removed(container.name, error)) from error
        except (DockerException, OSError) as error:
            raise SandboxError(_not_removed(container.name, error)) from error

    def kill(self) -> None:
        """See Sandbox."""
        from docker.errors import DockerException

        container = self._container
        if container is not None:
            with contextlib.suppress(DockerException, OSError):  # it ended by itself
                container.kill()

    def __enter__(self) -> DockerSandbox:
        self.open()
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    @property
    def cwd(self) -> str:
        """See Workspace."""
        return self._session.cwd

    @property
    def container_id(self) -> str:
        """The engine's name of the container; raises SandboxError while it is not open."""
        if self._container is None:
            raise SandboxError("the sandbox is not open")
        name: str = self._container.id
        return name

    def run(self, command: str, *, timeout: float) -> CommandResult:
        """See Workspace."""
        return self._session.run(command, timeout=timeout)

    def control(self, command: str, *, timeout: float) -> CommandResult:
        """See Sandbox."""
        return self._session.control(command, timeout=timeout)

    def restart_shell(self, *, cwd: str) -> None:
        """See Sandbox."""
        self._session.restart_shell(cwd=cwd)

    def path_kind(self, path: str) -> PathKind:
        """See Workspace."""
        return self._session.path_kind(path)

    def read_file(self, path: str) -> bytes:
        """See Workspace."""
        return self._session.read_file(path)

    def write_file(self, path: str, data: bytes) -> None:
        """See Workspace."""
        self._session.write_file(path, data)

    def put_tree(self, source: str, target: str) -> None:
        """See Sandbox."""
        from docker.errors import DockerException

        if self._container is None:
            raise SandboxError("the sandbox is not open")
        target, user, group = self._session.make_folder(target)
        with tempfile.TemporaryFile() as file:
            archive(Path(source), file, user=user, group=group)
            file.seek(0)
            try:
                self._container.put_archive(target, file)
            except (DockerException, OSError) as error:
                raise SandboxError(
                    f"{source} could not be copied into the container: {_first_line(error)}"
                ) from error

    def _create(self, client: DockerClient) -> None:
        """Create and start the container; raises SandboxError."""
        from docker.errors import DockerException, ImageNotFound

        limits = self._limits
        try:
            container = client.containers.create(
                self._image,
                entrypoint=["sleep", "infinity"],
                init=True,
                labels=labels(self._owner),
                environment=self._environment,
                network_mode="bridge" if limits.network else "none",
                cap_drop=["ALL"],
                security_opt=["no-new-privileges"],
                mem_limit=limits.memory_bytes,
                memswap_limit=limits.memory_bytes,
                pids_limit=limits.pids,
                # Not nano_cpus: the engine refuses more of them than it has processors.
                cpu_period=CPU_PERIOD,
                cpu_quota=int(limits.cpus * CPU_PERIOD),
                working_dir=self._root,  # made by the engine, where `/` is closed to our user
            )
            self._container = container  # from here on `close` removes it
            container.start()
        except ImageNotFound as error:
            raise SandboxError(
                f"there is no image {self._image} on this machine; "
                f"fetch it with `docker pull {self._image}` or name another with --image"
            ) from error
        except (DockerException, OSError) as error:
            raise SandboxError(
                f"no container of {self._image} could be started: {_first_line(error)}; "
                "see `docker info` and the free disk space"
            ) from error

    def _connect(self) -> Stream:
        """A bash in the container over one exec socket."""
        from docker.errors import DockerException

        if self._container is None or self._client is None:
            raise SandboxError("the sandbox is not open")
        api = self._client.api
        try:
            created = api.exec_create(
                self._container.id,
                ["bash", "--noprofile", "--norc"],
                stdin=True,
                tty=False,
                workdir="/",
            )
            return ExecStream(api.exec_start(created["Id"], socket=True))
        except (DockerException, OSError) as error:
            raise SandboxError(
                f"the container {self._container.name} takes no commands any more: "
                f"{_first_line(error)}"
            ) from error


class ExecStream:
    """The stream of a `docker exec` without a terminal."""

    def __init__(self, holder: Any) -> None:
        """`holder` is what the SDK returns for a hijacked connection; it is kept open here."""
        self._holder = holder
        self._socket = getattr(holder, "_sock", holder)
        self._socket.setblocking(False)
        self._frames = Demultiplexer()
        self._pieces: list[tuple[Channel, bytes]] = []
        self._poll = select.poll()
        self._poll.register(self._socket.fileno(), select.POLLIN)
        self._closed = False

    def send(self, data: bytes) -> None:
        """See Stream."""
        self._check_open()
        send_all(self._socket.fileno(), self._socket.send, data)

    def receive(self, timeout: float) -> tuple[Channel, bytes] | None:
        """See Stream."""
        self._check_open()
        if not self._pieces:
            if not self._poll.poll(max(0.0, timeout) * 1000):
                return None
            try:
                data = self._socket.recv(READ_SIZE)
            except BlockingIOError:
                return None
            except OSError as error:
                raise StreamClosed(f"the connection to the engine broke: {error}") from error
            if not data:
                raise StreamClosed("the engine closed the shell's connection")
            self._pieces = [
                (CHANNELS[number], piece)
                for number, piece in self._frames.feed(data)
                if number in CHANNELS
            ]
            self._pieces.reverse()
        return self._pieces.pop() if self._pieces else None

    def close(self) -> None:
        """See Stream."""
        self._closed = True
        self._socket.close()
        self._holder.close()

    def _check_open(self) -> None:
        if self._closed:
            raise StreamClosed("the connection to the sandbox is closed")


def _first_line(error: Exception) -> str:
    text = str(getattr(error, "explanation", None) or error).strip()
    return text.splitlines()[0] if text else type(error).__name__


def _not_removed(name: str, error: Exception) -> str:
    return f"the container {name} could not be removed ({_first_line(error)}); try docker rm -f"
