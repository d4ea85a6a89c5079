"""Answers that are sent while they come (server-sent events), and those that are sent whole.

Both end the work when the client leaves.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncGenerator, Callable, Coroutine
from typing import Any, TypeVar

from fastapi import Request
from fastapi.responses import StreamingResponse

T = TypeVar("T")
_AT_ONCE = 2.0
"""Seconds in which what refuses a request is told by its status, not as an event of the stream."""
CLIENT_LEFT = 499


class ClientLeftError(Exception):
    """Nobody waits for the answer any more."""


def event(data: object, name: str | None = None) -> bytes:
    """One event."""
    head = f"event: {name}\n" if name else ""
    return f"{head}data: {to_json(data)}\n\n".encode()


def to_json(data: object) -> str:
    """JSON without blanks; half of a surrogate pair, which cannot be sent, stays escaped."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    try:
        text.encode()
    except UnicodeEncodeError:
        return json.dumps(data, separators=(",", ":"))
    return text


DONE = b"data: [DONE]\n\n"


async def stream(
    events: AsyncGenerator[bytes, None],
    told: Callable[[Exception], bytes | None],
    keep_alive: float,
) -> StreamingResponse:
    """Send events as they come, and a comment when nothing came for `keep_alive` seconds.

    `told` makes an event of an error that comes when the stream has begun.
    Raises what comes before, in the first moments.
    """
    first = asyncio.ensure_future(anext(events, None))
    try:
        await asyncio.wait([first], timeout=_AT_ONCE)
        if first.done() and (error := first.exception()) is not None:
            raise error
    except BaseException:
        await _give_up(first, events)
        raise
    return StreamingResponse(
        _kept_alive(first, events, told, keep_alive),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


async def _kept_alive(
    coming: asyncio.Future[bytes | None],
    events: AsyncGenerator[bytes, None],
    told: Callable[[Exception], bytes | None],
    keep_alive: float,
) -> AsyncGenerator[bytes, None]:
    try:
        while True:
            await asyncio.wait([coming], timeout=keep_alive)
            if not coming.done():
                yield b": keep-alive\n\n"
                continue
            found = coming.result()
            if found is None:
                return
            yield found
            coming = asyncio.ensure_future(anext(events, None))
    except Exception as error:
        said = told(error)
        if said is None:
            raise
        yield said
    finally:
        await _give_up(coming, events)


async def _give_up(
    coming: asyncio.Future[bytes | None], events: AsyncGenerator[bytes, None]
) -> None:
    coming.cancel()
    with contextlib.suppress(BaseException):
        await coming
    await events.aclose()


async def while_connected(request: Request, work: Coroutine[Any, Any, T]) -> T:
    """What `work` returns; raises ClientLeftError, with the work ended, when the client leaves."""
    working = asyncio.ensure_future(work)
    leaving = asyncio.ensure_future(_left(request))
    try:
        await asyncio.wait([working, leaving], return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise ClientLeftError
        return working.result()
    finally:
        for task in (working, leaving):
            task.cancel()
        await asyncio.gather(working, leaving, return_exceptions=True)


async def _left(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
