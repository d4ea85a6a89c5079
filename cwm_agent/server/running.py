"""Runs a server until it is told to stop: engine first, then HTTP, and back in that order."""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass

import uvicorn

from cwm_agent.config.settings import Settings
from cwm_agent.errors import NotReadyError
from cwm_agent.server.app import make_app
from cwm_agent.server.engine.link import EngineLink
from cwm_agent.server.engine.messages import EngineSpec
from cwm_agent.server.guard.admission import Admission
from cwm_agent.server.guard.protocol import HurriedProtocol
from cwm_agent.server.options import ServeOptions
from cwm_agent.server.service import Service
from tools.texts import Texts

_BACKLOG = 2048
_LOOK = 0.1  # seconds between two looks at what still runs


@dataclass(slots=True)
class Running:
    """A server that listens at `url`."""

    url: str
    service: Service
    admission: Admission
    http: uvicorn.Server


async def serve(
    options: ServeOptions, settings: Settings, texts: Texts, say: Callable[[str], None]
) -> None:
    """Serve until SIGTERM or SIGINT, then let requests end; a second signal ends them.

    Raises NotReadyError for an address that cannot be had, ModelError for a bad checkpoint.
    """
    stop = asyncio.Event()
    hurry = asyncio.Event()

    def told() -> None:
        (hurry if stop.is_set() else stop).set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told)
    async with running(options, settings, texts) as server:
        say(f"serving {options.name} at {server.url}/v1")
        await stop.wait()
        server.admission.draining = True
        say(f"ending {server.admission.open} running requests; once more to stop at once")
        drained = asyncio.ensure_future(_drained(server.admission))
        waits = [drained, asyncio.ensure_future(hurry.wait())]
        await asyncio.wait(
            waits, timeout=options.drain_seconds, return_when=asyncio.FIRST_COMPLETED
        )
        for wait in waits:
            wait.cancel()


@asynccontextmanager
async def running(
    options: ServeOptions, settings: Settings, texts: Texts
) -> AsyncIterator[Running]:
    """A server for the time of a block. Errors as `serve`."""
    listener = _listener(options.host, options.port)
    spec = EngineSpec(str(options.folder), settings, options.keep, options.keep_seconds)
    link = EngineLink(spec)
    task: asyncio.Task[None] | None = None
    try:
        service = Service(options, settings, texts, link)
        admission = Admission(options.requests, options.requests_per_key)
        await link.start()
        http = _Server(
            uvicorn.Config(
                make_app(service, admission),
                http=HurriedProtocol,
                ws="none",
                lifespan="off",
                log_config=None,
                log_level="warning",
                access_log=False,
                server_header=False,
                backlog=_BACKLOG,
                timeout_keep_alive=75,
                timeout_graceful_shutdown=1,
            )
        )
        task = asyncio.create_task(http.serve([listener]))
        while not http.started and not task.done():
            await asyncio.sleep(0.01)
        host, port = listener.getsockname()[:2]
        shown = f"[{host}]" if ":" in host else host
        yield Running(f"http://{shown}:{port}", service, admission, http)
    finally:
        if task is not None:
            http.should_exit = True
            await asyncio.gather(task, return_exceptions=True)
        await link.close()
        with suppress(OSError):
            listener.close()


class _Server(uvicorn.Server):
    """Signals are `serve`'s business."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave them alone."""
        yield


async def _drained(admission: Admission) -> None:
    while admission.open:
        await asyncio.sleep(_LOOK)


def _listener(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise NotReadyError(
            f"cannot listen on {host} port {port} ({error.strerror or error}); choose another with "
            "--host and --port"
        ) from error
    return listener
