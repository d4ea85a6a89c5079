"""The limit on pulls, asked of a small registry on this machine that speaks the real protocol."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest

from cwm_agent.doctor.check import Check
from cwm_agent.doctor.registry import Answer, registry, verdict

SCOPE = "repository:library/debian:pull"


class Registry(BaseHTTPRequestHandler):
    """Wants a token for everybody, and then states its limit."""

    def do_HEAD(self) -> None:
        if self.headers.get("Authorization") != "Bearer for-debian":
            self.send_response(401)
            place = "http://{}:{}/token".format(*self.server.server_address)
            challenge = f'Bearer realm="{place}",service="registry",scope="{SCOPE}"'
            self.send_header("WWW-Authenticate", challenge)
        else:
            assert self.path.startswith("/v2/library/debian/manifests/")
            self.send_response(200)
            self.send_header("RateLimit-Limit", "100;w=21600")
            self.send_header("RateLimit-Remaining", "76;w=21600")
        self.end_headers()

    def do_GET(self) -> None:
        query = parse_qs(urlsplit(self.path).query)
        assert query == {"service": ["registry"], "scope": [SCOPE]}
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps({"token": "for-debian"}).encode())

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def address(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with ThreadingHTTPServer(("127.0.0.1", 0), Registry) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/v1/"
        server.shutdown()


def test_the_limit_is_read_without_a_login(address: str) -> None:
    found = "76 of 100 pulls are left to this address without a login"
    assert registry(address) == Check("registry", "ok", found)


def test_a_registry_that_does_not_answer_is_no_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    assert registry("http://127.0.0.1:1/v1/") is None
    assert registry("file:///etc/passwd") is None
    assert registry("nonsense") is None


@pytest.mark.parametrize(
    ("status", "headers", "expected"),
    [
        (200, {}, "ok"),
        (200, {"ratelimit-limit": "100;w=21600", "ratelimit-remaining": "3;w=21600"}, "warn"),
        (429, {}, "warn"),
        (200, {"RateLimit-Limit": "many", "RateLimit-Remaining": "1"}, "ok"),
    ],
)
def test_what_an_answer_means(status: int, headers: dict[str, str], expected: str) -> None:
    message = Message()
    for name, value in headers.items():
        message[name] = value
    check = verdict(Answer(status, message, b""))
    assert (check.status, bool(check.remedy)) == (expected, expected == "warn")
