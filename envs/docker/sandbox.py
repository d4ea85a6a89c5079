"""A sandbox in a Docker container: one exec socket per shell, no server and no Python inside."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from envs.docker.diagnosis import DockerDiagnostics, not_started
from envs.docker.exec_stream import ExecStream
from envs.docker.limits import entry, has_quotas, walls
from envs.docker.proxy import Gateway
from envs.docker.removal import remove_container
from envs.errors import SandboxError, first_line
from envs.images.processor import foreign_processor
from envs.progress import Say, quiet
from envs.sandbox.allowed_hosts import proxy_variables
from envs.sandbox.archive import archive
from envs.sandbox.base import SessionSandbox
from envs.sandbox.lease import Lease
from envs.sandbox.owner import labels
from envs.sandbox.sandbox import Owner, SandboxLimits
from envs.sandbox.session import Session
from envs.shell.keeper import PLAIN, Keeper
from envs.shell.stream import Stream, StreamClosed

if TYPE_CHECKING:
    from docker import DockerClient
from envs.docker.engine import connect_engine


class DockerSandbox(SessionSandbox):
    """A container that only this process uses, and that ends when this process does.

    No network unless `limits.network`, and without it no host but
    `limits.allowed_hosts`, through a proxy. No new privileges, and no capability
    but those by which root deals with other users' files and processes inside.
    Memory, processes and CPU are limited by its cgroup. Disk is limited by the
    engine's storage where that has quotas; else a command is stopped soon after
    the limit was passed, and no single file passes it. Commands run as the
    image's user.
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
        say: Say = quiet,
    ) -> None:
        """`root` is where the shell starts; `client` defaults to the engine of the environment.

        `say` hears what is wrong with the start file of the image's shells.
        """
        self._image = image
        self._limits = limits
        self._owner = owner
        self._behind_proxy = bool(limits.allowed_hosts) and not limits.network
        proxy = proxy_variables() if self._behind_proxy else {}
        self._environment = {"LANG": "C.UTF-8", "TERM": "dumb", **proxy, **(environment or {})}
        self._own_client = client is None
        self._client = client
        self._container: Any = None
        self._keeper: Keeper | None = None
        self._gateway: Gateway | None = None
        self._root = root
        self._lease = Lease(self._renew, limits)
        session = Session(
            self._connect,
            self._first,
            root=root,
            output_bytes=limits.output_bytes,
            lease=self._lease,
            say=say,
        )
        super().__init__(session)

    def open(self) -> None:
        """Create the container and start the shells; raises SandboxError with the remedy."""
        if self._container is not None:
            return
        if self._client is None:
            self._client = connect_engine()
        try:
            diagnostics = self._create(self._client)
            if self._behind_proxy:
                self._gateway = Gateway(self._client, self._owner, self._limits)
                self._gateway.open(self.container_id)
            self._session.open(diagnostics)
        except SandboxError as error:
            foreign = foreign_processor(self._client, self._image)
            self.close()
            if foreign:
                raise SandboxError(foreign, cause="not_available") from error
            raise
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Remove the container with its volumes."""
        self._session.close()
        container, self._container = self._container, None
        keeper, self._keeper = self._keeper, None
        gateway, self._gateway = self._gateway, None
        with contextlib.ExitStack() as last_first:
            last_first.callback(self._leave_engine)
            if container is not None:
                last_first.callback(remove_container, container)
            if keeper is not None:
                last_first.callback(keeper.close)
            if gateway is not None:
                last_first.callback(gateway.close)

    def kill(self) -> None:
        """See Sandbox."""
        from docker.errors import DockerException

        container = self._container
        if container is not None:
            with contextlib.suppress(DockerException, OSError):  # it ended by itself
                container.kill()

    @property
    def container_id(self) -> str:
        """The engine's name of the container; raises SandboxError while it is not open."""
        if self._container is None:
            raise SandboxError("the sandbox is not open")
        name: str = self._container.id
        return name

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
                    f"{source} could not be copied into the container: {first_line(error)}"
                ) from error

    def _create(self, client: DockerClient) -> DockerDiagnostics:
        """Create and start the container."""
        from docker.errors import APIError, DockerException, ImageNotFound

        try:
            quota = has_quotas(client)
            try:
                container = self._created(client, quota=quota)
            except APIError as error:
                if not quota or isinstance(error, ImageNotFound):
                    raise
                quota = False  # the driver could, but its file system is not mounted for it
                container = self._created(client, quota=False)
            self._container = container  # from here on `close` removes it
            attach = {"stdin": 1, "stdout": 1, "stderr": 1, "stream": 1}
            lifeline = client.api.attach_socket(container.id, attach)
            self._keeper = Keeper(ExecStream(lifeline), self._limits.idle_seconds)
            container.start()
            self._keeper.look(1)
        except StreamClosed as error:
            raise SandboxError(
                f"the first process of a container of {self._image} gives no answer ({error}); the "
                "image needs bash 4.4, coreutils and, where it runs as root, setpriv (util-linux)",
                cause="container_gone",
            ) from error
        except ImageNotFound as error:
            raise SandboxError(
                f"there is no image {self._image} on this machine; "
                f"fetch it with `docker pull {self._image}` or name another with --image",
                cause="image_missing",
            ) from error
        except (DockerException, OSError) as error:
            raise not_started(error, client, self._image) from error
        watched_bytes = None if quota else self._limits.disk_bytes
        return DockerDiagnostics(client, container.id, watched_bytes=watched_bytes)

    def _created(self, client: DockerClient, *, quota: bool) -> Any:
        settings = walls(self._limits, quota=quota)
        return client.containers.create(
            self._image,
            entrypoint=entry(self._limits),
            command=[],
            labels=labels(self._owner),
            environment=self._environment,
            working_dir=self._root,  # made by the engine, where `/` is closed to our user
            **settings,
        )

    def _leave_engine(self) -> None:
        if self._own_client and self._client is not None:
            self._client.close()
            self._client = None

    def _renew(self, seconds: float) -> None:
        if self._keeper is not None:
            self._keeper.renew(seconds)

    def _first(self) -> Keeper:
        if self._keeper is None:
            raise StreamClosed("the sandbox is not open")
        return self._keeper

    def _connect(self) -> Stream:
        """A bash in the container over one exec socket."""
        from docker.errors import DockerException

        if self._container is None or self._client is None:
            raise SandboxError("the sandbox is not open")
        api = self._client.api
        try:
            created = api.exec_create(
                self._container.id,
                ["bash", *PLAIN],
                stdin=True,
                tty=False,
                workdir="/",
            )
            return ExecStream(api.exec_start(created["Id"], socket=True))
        except (DockerException, OSError) as error:
            raise SandboxError(
                f"the container {self._container.name} accepts no more commands: "
                f"{first_line(error)}",
                cause="container_gone",
            ) from error
