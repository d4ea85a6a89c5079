"""Who may ask what, before anything is read."""

from __future__ import annotations

import asyncio
import socket
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
