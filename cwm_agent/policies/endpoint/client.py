"""Asks servers until an answer is whole: waits for busy ones, leaves those that are gone."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from tenacity import (
    AsyncRetrying,
    RetryCallState,
    retry_if_exception_type,
    stop_after_delay,
    wait_random_exponential,
)

from cwm_agent.policies.endpoint.servers import Server, Servers
from cwm_agent.policies.endpoint.transport import (
    Api,
    BadRequestError,
    Counted,
    Served,
    ServerBusyError,
    ServerFailedError,
    ServerGoneError,
)
from cwm_agent.policies.errors import EndpointError, RefusedError
from results.records import Finish

PAUSE = wait_random_exponential(multiplier=1, max=30)
"""Between two tries when no other server is left, or a busy one names no time."""
LOST = 5
"""Answers of which nothing is left that may break off, one after the other."""


@dataclass(frozen=True, slots=True)
class Timeouts:
    """A server that says nothing for `silence` seconds is taken for gone.

    For one reply servers are asked again until nothing was heard for `total` seconds.
    """

    silence: float = 300.0
    total: float = 600.0


NO_LIST = (404, 405)
"""Statuses of a server that has no list of models."""
Found = TypeVar("Found")
Wanted = TypeVar("Wanted")
Piece = TypeVar("Piece", bound=Counted)
Piece_contra = TypeVar("Piece_contra", bound=Counted, contravariant=True)


class Answers(Protocol[Piece_contra]):
    """An answer that takes pieces until `finish` says that it is over."""

    finish: Finish | None
    ended_here: bool
    """It is over by our rules: the server does not know yet."""

    def take(self, piece: Piece_contra) -> int:
        """The next piece; returns how many tokens of it count."""

    def break_off(self) -> bool:
        """The rest has to come from somewhere else; returns whether anything is kept."""


@dataclass(slots=True)
class Placement:
    """Where a conversation is; nowhere before its first reply."""

    server: Server | None = None


class Asker(Generic[Wanted, Piece]):
    """All servers of one model, asked by one API. Its coroutines belong to one event loop.

    `listed`: the model must be among those that a server lists.
    """

    def __init__(
        self,
        api: Api[Wanted, Piece],
        urls: Sequence[str],
        model: str | None,
        timeouts: Timeouts,
        *,
        listed: bool = True,
    ) -> None:
        self.servers = Servers(urls)
        self._api = api
        self._model = model
        self._timeouts = timeouts
        self._listed = listed

    async def close(self) -> None:
        """End all connections."""
        await self._api.close()

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

    async def ask(
        self, place: Placement, answer: Answers[Piece], wanted: Callable[[], Wanted]
    ) -> None:
        """Fill `answer`, from wherever it can be had; `wanted` says what is left to ask for.

        Raises EndpointError when `timeouts.total` is over, RefusedError.
        """
        heard = time.monotonic()
        lost = 0

        def hears() -> None:
            nonlocal heard
            heard = time.monotonic()

        retrying = AsyncRetrying(
            retry=retry_if_exception_type((ServerGoneError, ServerBusyError)),
            stop=lambda state: (
                lost >= LOST
                or time.monotonic() - heard + state.upcoming_sleep >= self._timeouts.total
            ),
            wait=self._pause,
            reraise=True,
        )
        try:
            async for attempt in retrying:
                with attempt:
                    before = heard
                    try:
                        await self._once(place, answer, wanted, hears)
                    except ServerGoneError:
                        lost += heard > before and not answer.break_off()
                        raise
        except (ServerGoneError, ServerBusyError) as error:
            if lost >= LOST:
                raise EndpointError(
                    f"{LOST} answers broke off before their end ({error}); look at the server's log"
                ) from error
            raise EndpointError(
                f"no server of the model answered for {self._timeouts.total:g} seconds ({error}); "
                "check that they are running, or name others with --url"
            ) from error

    async def inquire(self, question: Callable[[Server], Awaitable[Found]]) -> Found:
        """The answer of a server that was met, which is asked again while it is busy."""
        server = next(server for server in self.servers.all if server.model)
        retrying = AsyncRetrying(
            retry=retry_if_exception_type(ServerBusyError),
            stop=stop_after_delay(self._timeouts.total),
            wait=self._pause,
            reraise=True,
        )
        try:
            async for attempt in retrying:
                with attempt:
                    return await question(server)
        except ServerBusyError as error:
            raise EndpointError(f"{error}; try again later") from error
        raise AssertionError  # it returned or raised

    async def _once(
        self,
        place: Placement,
        answer: Answers[Piece],
        wanted: Callable[[], Wanted],
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
            pieces = self._api.pieces(server.url, server.model, wanted())
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
            self.servers.failed(server)
            self.servers.leave(server)
            place.server = None
            raise
        finally:
            server.requests -= 1

    async def _introduce(self, server: Server) -> None:
        offered = await self._offered(server)
        if self._model and not self._listed and self._model not in {m.name for m in offered}:
            server.model = self._model  # a list may leave out what an account may use
            return
        chosen = next((m for m in offered if self._model in (None, m.name)), None)
        if chosen is None:
            names = ", ".join(model.name for model in offered) or "none"
            raise RefusedError(
                f"{server.url} has no model {self._model or ''}: it offers {names}; "
                "set endpoint.model to one of them"
            )
        server.model, server.context = chosen.name, chosen.context
        server.text_calls = chosen.text_calls

    async def _offered(self, server: Server) -> tuple[Served, ...]:
        """What a server lists; nothing where it need not, and has no list or fails at it."""
        try:
            return await self._api.models(server.url)
        except (BadRequestError, ServerFailedError) as error:
            listless = isinstance(error, ServerFailedError) or error.status in NO_LIST
            if self._model and not self._listed and listless:
                return ()
            raise

    def _pause(self, state: RetryCallState) -> float:
        """No time for another server; else what a busy one asks for, or longer and longer."""
        error = state.outcome.exception() if state.outcome else None
        if isinstance(error, ServerBusyError) and error.seconds is not None:
            return error.seconds
        if isinstance(error, ServerGoneError) and self.servers.any_well:
            return 0.0
        return PAUSE(state)
