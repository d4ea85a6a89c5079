"""A server that runs while a test does."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import httpx

from cwm_agent.config.resolve import resolve
from cwm_agent.config.settings import Settings
from cwm_agent.policies import bundled
from cwm_agent.prompts.packs import load
from cwm_agent.server.command import served_settings
from cwm_agent.server.options import ServeOptions
from cwm_agent.server.running import Running, running

T = TypeVar("T")


@dataclass
class Live:
    """`running` belongs to the loop of another thread: use `do` for what touches it."""

    running: Running
    loop: asyncio.AbstractEventLoop

    @property
    def url(self) -> str:
        return self.running.url

    @property
    def api(self) -> str:
        return f"{self.url}/v1"

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(120)

    def client(self, **options: Any) -> httpx.Client:
        return httpx.Client(base_url=self.url, timeout=120, **options)


def nano_settings() -> Settings:
    """As `cwm-agent serve` has them without options."""
    return served_settings(resolve([])).settings


def nano_options(**changes: Any) -> ServeOptions:
    return ServeOptions(**{"folder": bundled.folder(), "name": "nano", "port": 0, **changes})


@contextmanager
def live(settings: Settings | None = None, **changes: Any) -> Iterator[Live]:
    """The server for the time of a block."""
    found: list[Running] = []
    failed: list[BaseException] = []
    ready, stop = threading.Event(), asyncio.Event()
    loop = asyncio.new_event_loop()
    wanted = settings or nano_settings()

    async def main() -> None:
        async with running(nano_options(**changes), wanted, load(wanted.prompt_pack)) as it:
            found.append(it)
            ready.set()
            await stop.wait()

    def run() -> None:
        try:
            loop.run_until_complete(main())
        except BaseException as error:  # noqa: BLE001 (raised where the test waits)
            failed.append(error)
        finally:
            ready.set()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    ready.wait(120)
    if failed:
        raise failed[0]
    try:
        yield Live(found[0], loop)
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(60)
        loop.close()
