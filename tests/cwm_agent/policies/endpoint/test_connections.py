"""Servers are reached by the environment's proxies and certificates, or the variable is named."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest

from cwm_agent.errors import NotReadyError
from cwm_agent.policies.endpoint.completions import Completion, CompletionsApi, Piece
from cwm_agent.policies.endpoint.connections import open_client, proxy_for
from cwm_agent.policies.endpoint.transport import ServerGoneError, models
from cwm_agent.policies.errors import RefusedError

MODELS = b'{"data": [{"id": "nano", "max_model_len": 4096}]}'
END = b'data: {"choices": [{"text": "", "finish_reason": "stop"}]}\n\ndata: [DONE]\n\n'


class Answering(BaseHTTPRequestHandler):
    """Answers every request with `answer`: status, kind of content, bytes."""

    answer: tuple[int, str, bytes] = (200, "application/json", MODELS)

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        status, kind, body = self.answer
        self.send_response(status)
        self.send_header("Content-Type", kind)
        if status == 302:
            self.send_header("Location", "http://elsewhere:1/v1")
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET


@pytest.fixture
def port() -> Iterator[int]:
    Answering.answer = (200, "application/json", MODELS)
    with ThreadingHTTPServer(("127.0.0.1", 0), Answering) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


def names_of(url: str) -> list[str]:
    async def ask() -> list[str]:
        async with open_client([url], 10.0, None) as client:
            return [model.name for model in await models(client, url)]

    return asyncio.run(ask())


def pieces_of(url: str) -> list[Piece]:
    async def ask() -> list[Piece]:
        async with httpx.AsyncClient(trust_env=False) as client:
            pieces = CompletionsApi(client).pieces(url, "nano", Completion([1], 8, 0.0, 1.0, 0, []))
            return [piece async for piece in pieces]

    return asyncio.run(ask())


SOME = {"HTTP_PROXY": "http://proxy:3128", "ALL_PROXY": "socks5://socks:1080"}


@pytest.mark.parametrize(
    ("url", "variables", "proxy"),
    [
        ("http://gpu1:8000/v1", SOME, "http://proxy:3128"),
        ("https://gpu1/v1", SOME, "socks5://socks:1080"),
        ("http://gpu1:8000/v1", SOME | {"http_proxy": "other:8080"}, "http://other:8080"),
        ("http://gpu1:8000/v1", SOME | {"http_proxy": "", "all_proxy": ""}, None),
        ("http://gpu1:8000/v1", SOME | {"no_proxy": "other, gpu1"}, None),
        ("http://gpu1:8000/v1", SOME | {"no_proxy": "gpu1:8000"}, None),
        ("http://gpu1:8000/v1", SOME | {"no_proxy": "gpu1:9000"}, "http://proxy:3128"),
        ("http://a.lab.org/v1", SOME | {"no_proxy": ".lab.org"}, None),
        ("http://a.lab.org/v1", SOME | {"no_proxy": "*.lab.org"}, None),
        ("http://alab.org/v1", SOME | {"no_proxy": "lab.org,[zz,1/2/3"}, "http://proxy:3128"),
        ("http://10.0.0.7:8000/v1", SOME | {"no_proxy": "10.0.0.0/8"}, None),
        ("http://[fd00::1]:8000/v1", SOME | {"no_proxy": "[::1],[fd00::1]"}, None),
        ("http://[fd00::1]:8000/v1", SOME | {"no_proxy": "[::1]"}, "http://proxy:3128"),
        ("http://gpu1/v1", SOME | {"NO_PROXY": "*"}, None),
        ("http://127.0.0.1:8000/v1", SOME, None),
        ("http://[::1]:8000/v1", SOME, None),
        ("http://localhost:8000/v1", SOME, None),
    ],
)  # fmt: skip
def test_the_variables_choose_the_way(
    monkeypatch: pytest.MonkeyPatch, url: str, variables: dict[str, str], proxy: str | None
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert proxy_for(url) == proxy


@pytest.mark.parametrize(
    "variables",
    [
        {"ALL_PROXY": "socks5://localhost:1080"},
        {"no_proxy": "[::1]"},
        {"HTTP_PROXY": "nonsense://x"},
        {"SSL_CERT_FILE": "/nope"},
    ],
    ids=str,
)
def test_a_server_on_this_machine_is_reached_whatever_they_say(
    monkeypatch: pytest.MonkeyPatch, port: int, variables: dict[str, str]
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert names_of(f"http://127.0.0.1:{port}/v1") == ["nano"]


def socks(listener: socket.socket, port: int, seen: list[bytes]) -> None:
    """A SOCKS 5 proxy (RFC 1928) for one connection, which leads to `port` whatever is asked."""
    connection, _ = listener.accept()
    with connection, socket.create_connection(("127.0.0.1", port)) as server:
        connection.recv(64)
        connection.sendall(b"\x05\x00")
        seen.append(connection.recv(300))
        connection.sendall(b"\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00")
        server.sendall(connection.recv(65536))
        while data := server.recv(65536):
            connection.sendall(data)


def test_a_socks_proxy_is_used(monkeypatch: pytest.MonkeyPatch, port: int) -> None:
    seen: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=socks, args=(listener, port, seen), daemon=True).start()
        monkeypatch.setenv("ALL_PROXY", f"socks5://127.0.0.1:{listener.getsockname()[1]}")
        assert names_of("http://gpu.invalid:8000/v1") == ["nano"]
    assert b"gpu.invalid" in seen[0]  # the proxy looks the name up


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HTTPS_PROXY", "nonsense://x"),
        ("ALL_PROXY", "http://\x01"),
        ("SSL_CERT_FILE", "/nope"),
        ("SSL_CERT_FILE", __file__),
    ],
)
def test_a_variable_that_cannot_be_used_is_named(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(NotReadyError, match=name):
        open_client(["https://gpu.invalid/v1"], 1.0, None)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ((200, "text/html", b"<html>"), "does not speak the OpenAI API"),
        ((200, "application/json", b""), "does not speak"),
        ((200, "application/json", b"[" * 100_000), "nested too deeply"),
        ((200, "application/json", b"\xff\xfe"), "does not speak"),
        ((200, "application/json", b"null"), "does not speak"),
        ((200, "application/json", b'{"data": [{"id": 1, "max_model_len": "x"}]}'), "'x'"),
        ((302, "text/plain", b""), "it points to http://elsewhere:1/v1"),
        ((418, "text/plain", b"tea\x1bpot"), "418"),
    ],
    ids=str,
)
def test_a_server_of_something_else_is_refused(
    port: int, answer: tuple[int, str, bytes], error: str
) -> None:
    Answering.answer = answer
    with pytest.raises(RefusedError, match=error):
        names_of(f"http://127.0.0.1:{port}/v1")


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b'data: {"choices": [{"text": 5}]}\n\n', "5 where a text belongs"),
        (b'data: {"choices": [{"text": "a"}], "usage": {"prompt_tokens": 1e400}}\n\n', "inf"),
        (b'data: {"choices": [{"text": "a", "finish_reason": [1]}]}\n\n', "where a text belongs"),
        (b"data: 5\n\n", "does not speak"),
        (b"data: [[[\n\n", "cut its answer short"),
        (b'data: {"error": {"message": ["x"]}}\n\n', "'x'"),
        (b"", "cut its answer short"),
    ],
    ids=str,
)
def test_an_event_of_a_wrong_shape_is_an_error_of_the_server(
    port: int, body: bytes, error: str
) -> None:
    Answering.answer = (200, "text/event-stream", body)
    with pytest.raises((RefusedError, ServerGoneError), match=error):
        pieces_of(f"http://127.0.0.1:{port}/v1")


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"], ids=repr)
def test_only_a_line_break_ends_an_event(port: int, end: bytes) -> None:
    texts = ["a\u2028b", "\u2029", "\u0085c", "\x7f"]
    events = [b'data: {"choices": [{"text": "%s"}]}\n\n' % text.encode() for text in texts]
    body = b"".join([b": still here\n\n", *events, END]).replace(b"\n", end)
    Answering.answer = (200, "text/event-stream", body)
    assert [piece.text for piece in pieces_of(f"http://127.0.0.1:{port}/v1")] == [*texts, ""]
