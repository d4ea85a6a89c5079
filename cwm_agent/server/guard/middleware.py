"""What is checked of every request before anything of it is read: host, origin, key, size.

Plain ASGI. A refusal says nothing of this machine.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Sequence
from contextlib import suppress
from ipaddress import ip_address

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cwm_agent.server.guard.keys import Keys
from cwm_agent.server.guard.wording import error_body

_HOST = re.compile(r"(?:\[([0-9a-f:.]+)\]|([a-z0-9._-]+))(?::[0-9]{0,5})?", re.IGNORECASE)
OPEN_PATHS = ("/", "/health", "/ready", "/ping", "/version")
"""What needs no key: nothing of the model or of its users is told there."""


class Guard:
    """Around the application. `body` is the most bytes of a request, which must be there within
    `seconds`."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        keys: Sequence[str],
        hosts: Sequence[str],
        origins: Sequence[str],
        body: int,
        seconds: float,
    ) -> None:
        self._app = app
        self._keys = Keys(keys)
        self._hosts = frozenset(host.lower() for host in hosts)
        self._origins = frozenset(origin.lower().rstrip("/") for origin in origins)
        self._body = body
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        refusal = self._refusal(scope, headers)
        if refusal is not None:
            await _refuse(scope, send, *refusal)
            return
        taken = _Body(receive, self._body, self._seconds)
        began = False

        async def told(message: Message) -> None:
            nonlocal began
            if began or taken.error is None:  # else what it makes of half a request is void
                began = True
                await send(message)

        with suppress(_BodyError):
            await self._app(scope, taken.receive, told)
        if taken.error is not None and not began:
            error = taken.error
            await _refuse(scope, send, error.status, str(error), error.code, close=True)

    def _refusal(self, scope: Scope, headers: Headers) -> tuple[int, str, str] | None:
        """Status, text and code for what may not ask."""
        if not self._known_host(headers.getlist("host")):
            return 421, "this server does not answer for that host name", "unknown_host"
        if not all(map(self._known_origin, headers.getlist("origin"))):
            return 403, "web pages of that origin may not ask this server", "unknown_origin"
        job = self._keys.job(headers)
        if job is None and scope["path"] not in OPEN_PATHS:
            return 401, "no valid API key was given", "invalid_api_key"
        scope.setdefault("state", {})["job"] = job or ""
        length = headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > self._body:
            return 413, f"a request may have {self._body} bytes at most", "request_too_large"
        return None

    def _known_host(self, hosts: Sequence[str]) -> bool:
        """Names that lead here without anybody's doing, and those that were allowed.

        A web page whose own name was made to point here (DNS rebinding) has another one.
        """
        if "*" in self._hosts:
            return True
        name = _host_name(hosts[0]) if len(hosts) == 1 else ""
        return name in self._hosts or _is_loopback(name)

    def _known_origin(self, origin: str) -> bool:
        known = origin.lower().rstrip("/")
        if "*" in self._origins or known in self._origins:
            return True
        return _is_loopback(_host_name(known.partition("://")[2]))


class _BodyError(Exception):
    def __init__(self, text: str, status: int, code: str) -> None:
        super().__init__(text)
        self.status = status
        self.code = code


class _Body:
    """A request's body as it comes, bounded in size and time."""

    def __init__(self, receive: Receive, most: int, seconds: float) -> None:
        self.error: _BodyError | None = None
        self._receive = receive
        self._left = most
        self._most = most
        self._until = asyncio.get_running_loop().time() + seconds
        self._whole = False

    async def receive(self) -> Message:
        if self._whole:
            return await self._receive()
        left = self._until - asyncio.get_running_loop().time()
        try:
            message = await asyncio.wait_for(self._receive(), max(left, 0.001))
        except TimeoutError:
            self.error = _BodyError("the request came too slowly", 408, "request_timeout")
            raise self.error from None
        if message["type"] == "http.request":
            self._whole = not message.get("more_body", False)
            self._left -= len(message.get("body", b""))
            if self._left < 0:
                text = f"a request may have {self._most} bytes at most"
                self.error = _BodyError(text, 413, "request_too_large")
                raise self.error
        return message


async def _refuse(
    scope: Scope, send: Send, status: int, text: str, code: str, *, close: bool = False
) -> None:
    body = json.dumps(error_body(scope["path"], status, text, code)).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    if status == 401:
        headers.append((b"www-authenticate", b"Bearer"))
    if close:
        headers.append((b"connection", b"close"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _host_name(host: str) -> str:
    """The name in NAME:PORT; "" where that is something else."""
    found = _HOST.fullmatch(host)
    return (found[1] or found[2]).lower() if found else ""


def _is_loopback(name: str) -> bool:
    if name == "localhost":
        return True
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False
