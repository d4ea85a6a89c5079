"""Asks servers until an answer is whole: waits for busy ones, leaves those that are gone."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass

import httpx
from tenacity import (
    AsyncRetrying,
    RetryCallState,
    retry_if_exception_type,
    wait_random_exponential,
)

from cwm_agent.policies.endpoint.answer import Answer
from cwm_agent.policies.endpoint.completions import (
    Completion,
    ServerBusyError,
    ServerGoneError,
    complete,
    models,
)
from cwm_agent.policies.endpoint.connections import open_client
from cwm_agent.policies.endpoint.servers import Server, Servers
from cwm_agent.policies.errors import EndpointError, RefusedError

CONNECT_SECONDS = 10.0
WRITE_SECONDS = 60.0
PAUSE = wait_random_exponential(multiplier=1, max=30)
"""Between two tries when no other server is left, or a busy one names no time."""


@dataclass(frozen=True, slots=True)
class Patience:
    """A server that says nothing for `silence` seconds is taken for gone.

    For one reply servers are asked again until nothing was heard for `total` seconds.
    """

    silence: float = 300.0
    total: float = 600.0


@dataclass(slots=True)
class Placement:
    """Where a conversation is; nowhere before its first reply."""

    server: Server | None = None


class Asker:
    """Connections to all servers of one model. Its coroutines belong to one event loop."""

    def __init__(
        self, urls: Sequence[str], model: str | None, patience: Patience, api_key: str | None
    ) -> None:
        self.servers = Servers(urls)
        self._model = model
        self._patience = patience
        timeout = httpx.Timeout(
            connect=CONNECT_SECONDS, read=patience.silence, write=WRITE_SECONDS, pool=None
        )
        self._client = open_client(urls, timeout, api_key)

    async def close(self) -> None:
        """End all connections."""
        await self._client.aclose()

    async def meet(self) -> None:
        """Ask every server for its model; those that do not answer may do so later.

        Raises EndpointError when none answers, RefusedError when one has no such model.
        """
        found = await asyncio.gather(
            *map(self._introduce, self.servers.all), return_exceptions=True
        )
        for server, failure in zip(self.servers.all, found, strict=True):
            if isinstance(failure, ServerGoneError | ServerBusyError):
                self.servers.failed(server)
            elif failure is not None:
                raise failure
        if not self.servers.any_well:
            raise EndpointError(f"no server answers: {found[0]}; start it, or give another URL")

    async def ask(self, place: Placement, answer: Answer, wanted: Callable[[], Completion]) -> None:
        """Fill `answer`, from wherever it can be had; `wanted` says what is left to ask for.

        Raises EndpointError when patience ends, RefusedError.
        """
        heard = time.monotonic()

        def hears() -> None:
            nonlocal heard
            heard = time.monotonic()

        retrying = AsyncRetrying(
            retry=retry_if_exception_type((ServerGoneError, ServerBusyError)),
            stop=lambda state: (
                time.monotonic() - heard + state.upcoming_sleep >= self._patience.total
            ),
            wait=self._pause,
            reraise=True,
        )
        try:
            async for attempt in retrying:
                with attempt:
                    await self._once(place, answer, wanted, hears)
        except (ServerGoneError, ServerBusyError) as error:
            raise EndpointError(
                f"no server of the model answered for {self._patience.total:g} seconds ({error}); "
                "check that they are running, or name others with --engine-url"
            ) from error

    async def _once(
        self,
        place: Placement,
        answer: Answer,
        wanted: Callable[[], Completion],
        hears: Callable[[], None],
    ) -> None:
        """One try at one server; the conversation moves on when the server is gone."""
        if place.server is None:
            place.server = self.servers.join()
        server = place.server
        server.requests += 1
        try:
            if not server.model:
                await self._introduce(server)
            pieces = complete(self._client, server.url, wanted().body(server.model))
            async with aclosing(pieces):
                async for piece in pieces:
                    hears()
                    server.heard(piece, answer.take(piece))
                    if answer.ended_here:
                        break  # the server would go on
            if answer.finish is None:
                raise ServerGoneError(f"{server.url} ended its answer without a reason")
            self.servers.answered(server)
        except ServerGoneError:
            if answer.finish is not None:
                return  # only its counts are missing
            answer.break_off()
            self.servers.failed(server)
            self.servers.leave(server)
            place.server = None
            raise
        finally:
            server.requests -= 1

    async def _introduce(self, server: Server) -> None:
        offered = await models(self._client, server.url)
        chosen = next((m for m in offered if self._model in (None, m.name)), None)
        if chosen is None:
            names = ", ".join(model.name for model in offered) or "none"
            raise RefusedError(
                f"{server.url} has no model {self._model or ''}: it offers {names}; "
                "set endpoint.model to one of them"
            )
        server.model, server.context = chosen.name, chosen.context

    def _pause(self, state: RetryCallState) -> float:
        """No time for another server; else what a busy one asks for, or longer and longer."""
        error = state.outcome.exception() if state.outcome else None
        if isinstance(error, ServerBusyError) and error.seconds is not None:
            return error.seconds
        if isinstance(error, ServerGoneError) and self.servers.any_well:
            return 0.0
        return PAUSE(state)
