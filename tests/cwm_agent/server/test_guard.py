"""Who may ask what, before anything is read."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from pathlib import Path

import httpx
import pytest
from live import Live
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Message, Receive, Scope, Send

from cwm_agent.errors import NotReadyError, UsageError
from cwm_agent.policies import bundled
from cwm_agent.server.command import ServeCommand, options_of
from cwm_agent.server.errors import RequestError
from cwm_agent.server.guard.admission import Admission
from cwm_agent.server.guard.keys import read_keys
from cwm_agent.server.guard.middleware import Guard
from cwm_agent.server.guard.protocol import HurriedProtocol


async def echo(request: Request) -> Response:
    return Response(await request.body())


def guarded(**changes: object) -> httpx.AsyncClient:
    routes = [Route(path, echo, methods=["POST", "GET"]) for path in ("/v1/x", "/health")]
    fields = {"keys": ("secret",), "hosts": ("gpu1",), "origins": ("https://ours.example",)}
    guard = Guard(
        Starlette(routes=routes),
        **{**fields, "body": 100, "seconds": 5.0, **changes},  # type: ignore[arg-type]
    )
    return httpx.AsyncClient(transport=httpx.ASGITransport(guard), base_url="http://gpu1:8000")


@pytest.mark.parametrize(
    ("path", "headers", "body", "status"),
    [
        ("/v1/x", {"authorization": "Bearer secret"}, b"hi", 200),
        ("/v1/x", {"x-api-key": "secret"}, b"hi", 200),
        ("/v1/x", {}, b"hi", 401),
        ("/v1/x", {"authorization": "Bearer secret2"}, b"hi", 401),
        ("/v1/x", {"authorization": "secret"}, b"hi", 401),
        ("/health", {}, b"", 200),
        ("/health", {"host": "evil.example"}, b"", 421),
        ("/health", {"host": "127.0.0.1:8000"}, b"", 200),
        ("/health", {"origin": "https://evil.example"}, b"", 403),
        ("/health", {"origin": "https://ours.example"}, b"", 200),
        ("/health", {"origin": "null"}, b"", 403),
        ("/health", {"origin": "http://[::1"}, b"", 403),
        ("/health", {"host": "evil@localhost"}, b"", 421),
        ("/health", {"host": "localhost:80.evil.example"}, b"", 421),
        ("/v1/x", {"x-api-key": "secret"}, b"x" * 101, 413),
        ("/v1/x", {"x-api-key": "secret", "content-length": "1e9"}, b"x", 413),
    ],
)
def test_what_may_not_ask_is_refused(
    path: str, headers: dict[str, str], body: bytes, status: int
) -> None:
    async def ask() -> httpx.Response:
        async with guarded() as client:
            return await client.post(path, headers=headers, content=body)

    answer = asyncio.run(ask())
    assert answer.status_code == status
    assert status == 200 or answer.json()["error"]["message"]
    assert "secret" not in answer.text


def test_keys_come_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "keys"
    file.write_text("# ours\n one \n\ntwo\n")
    assert read_keys(file) == ("one", "two")
    file.write_text("# none\n")
    with pytest.raises(NotReadyError, match="no API key"):
        read_keys(file)
    with pytest.raises(UsageError, match="--keys"):
        options_of(ServeCommand(host="0.0.0.0"), bundled.folder())


def test_places_are_few_in_all_and_for_each_key() -> None:
    admission = Admission(3, 2)
    with pytest.raises(RequestError, match="3 answers at once") as never:
        admission.enter("a", 3)
    assert never.value.status == 400
    with admission.place("a"), admission.place("a"):
        with pytest.raises(RequestError, match="this key") as one:
            admission.enter("a", 1)
        with admission.place("b"), pytest.raises(RequestError, match="too many") as all_:
            admission.enter("b", 1)
    assert (one.value.status, all_.value.status) == (429, 429)
    assert one.value.seconds
    assert admission.open == 0
    admission.draining = True
    with pytest.raises(RequestError) as late:
        admission.enter("a", 1)
    assert (late.value.status, bool(late.value.seconds)) == (503, True)


def test_a_body_that_comes_too_slowly_ends_its_connection() -> None:
    """Whatever the application makes of a body that breaks off."""
    sent: list[Message] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            while (await receive()).get("more_body"):
                pass
        except Exception:  # noqa: BLE001 (as frameworks do)
            await Response("as if nothing had happened")(scope, receive, send)

    async def receive() -> Message:
        if not sent:
            sent.append({"type": "began"})
            return {"type": "http.request", "body": b"{", "more_body": True}
        await asyncio.sleep(600)
        raise AssertionError

    async def send(message: Message) -> None:
        sent.append(message)

    guard = Guard(app, keys=(), hosts=(), origins=(), body=100, seconds=0.2)
    scope = {"type": "http", "path": "/", "headers": [(b"host", b"localhost")]}
    asyncio.run(guard(scope, receive, send))
    assert sent[1]["status"] == 408
    assert (b"connection", b"close") in sent[1]["headers"]


@pytest.mark.parametrize("sent", [b"GET /health HTTP/1.1\r\nhost: localhost\r\nx: ", b""])
def test_a_client_that_sends_its_headers_slowly_is_cut_off(
    server: Live, sent: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(HurriedProtocol, "header_seconds", 0.5)
    host, port = server.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=60) as line:
        line.sendall(sent)
        assert line.recv(1000) == b""


HELD = [
    (b"\r\n", "header_seconds"),  # blank lines between requests
    (b"POST /health HTTP/1.1\r\nhost: localhost\r\ncontent-length: 99\r\n\r\n{", "body_seconds"),
]


@pytest.mark.parametrize(("sent", "limit"), HELD, ids=["blank lines", "a body nobody reads"])
def test_a_connection_cannot_be_held_after_an_answer(
    server: Live, sent: bytes, limit: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(HurriedProtocol, limit, 0.5)
    host, port = server.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=60) as line:
        line.sendall(b"GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n")
        told = b""
        while b"}" not in told:
            told += line.recv(1000)
        line.sendall(sent)
        while piece := line.recv(1000):
            told += piece
    assert told.startswith(b"HTTP/1.1 200")


def test_an_answer_that_nobody_reads_is_given_up(
    server: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else its place would be taken as long as the client likes."""
    monkeypatch.setattr(HurriedProtocol, "read_seconds", 0.5)
    host, port = server.url.removeprefix("http://").split(":")
    many = b"GET /openapi.json HTTP/1.1\r\nhost: localhost\r\n\r\n" * 200
    with socket.socket() as line:
        line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        line.settimeout(60)
        line.connect((host, int(port)))
        line.sendall(many)
        deadline = time.monotonic() + 60
        with contextlib.suppress(OSError):  # until the other side has ended it
            while time.monotonic() < deadline:
                line.sendall(b"\r\n")
                time.sleep(0.1)
        assert time.monotonic() < deadline


ENDLESS = {
    "a header": b"GET /health HTTP/1.1\r\nhost: localhost\r\nx: " + b"a" * 400_000,
    "a path": b"GET /" + b"a" * 400_000,
    "trailers": b"POST /health HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n"
    b"1\r\n{\r\n0\r\n" + b"x: a\r\n" * 300_000,
}


@pytest.mark.parametrize("sent", ENDLESS.values(), ids=list(ENDLESS))
def test_what_has_no_end_is_refused(server: Live, sent: bytes) -> None:
    host, port = server.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=60) as line:
        told = b""
        with contextlib.suppress(ConnectionError):  # it was closed with bytes unread
            line.sendall(sent)
            while piece := line.recv(1000):
                told += piece
    assert told == b"" or b" 400 " in told or b" 405 " in told
