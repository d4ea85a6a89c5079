"""A registry that serves one small image over HTTP, and refuses on demand.

Engines speak plain HTTP to registries on the loopback address.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import secrets
import tarfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"


@dataclass(frozen=True, slots=True)
class Refusal:
    """One answer in place of a manifest; `seconds` is how long it takes."""

    status: int
    code: str = "UNKNOWN"
    message: str = "refused"
    seconds: float = 0.0


RATE_LIMIT = Refusal(429, "TOOMANYREQUESTS", "You have reached your pull rate limit")
BROKEN = Refusal(503, "UNAVAILABLE", "the service is down")
PRIVATE = Refusal(401, "UNAUTHORIZED", "authentication required")
FORBIDDEN = Refusal(403, "DENIED", "requested access to the resource is denied")
SILENT = Refusal(503, "UNAVAILABLE", "too late", seconds=5.0)


@dataclass
class Registry:
    """`refusals` are used up one a manifest request, then the image is served."""

    port: int = 0
    refusals: list[Refusal] = field(default_factory=list)
    manifests: int = 0
    blobs: dict[str, bytes] = field(default_factory=dict)
    manifest: bytes = b""

    def name(self, tag: str) -> str:
        return f"127.0.0.1:{self.port}/cwm-agent-test/pulled:{tag}"

    def image(self, content: str, padding: int = 0) -> None:
        """From now on, serve an image of one layer with the file /content."""
        layer = _layer(content, padding)
        packed = gzip.compress(layer, mtime=0)
        config = json.dumps(
            {
                "architecture": "amd64",
                "os": "linux",
                "config": {"Cmd": ["/content"]},
                "rootfs": {"type": "layers", "diff_ids": [_digest(layer)]},
            }
        ).encode()
        self.blobs = {_digest(data): data for data in (packed, config)}
        self.manifest = json.dumps(
            {
                "schemaVersion": 2,
                "mediaType": MANIFEST,
                "config": _reference("application/vnd.docker.container.image.v1+json", config),
                "layers": [_reference("application/vnd.docker.image.rootfs.diff.tar.gzip", packed)],
            }
        ).encode()


@contextmanager
def serving() -> Iterator[Registry]:
    """A registry on a free port of the loopback address."""
    registry = Registry()
    registry.image("hello")
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(registry))
    server.daemon_threads = True
    registry.port = server.server_address[1]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield registry
    finally:
        server.shutdown()
        server.server_close()


def _handler(registry: Registry) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._serve(body=True)

        def do_HEAD(self) -> None:
            self._serve(body=False)

        def _serve(self, *, body: bool) -> None:
            kind, _, name = self.path.rpartition("/")
            if self.path.rstrip("/") == "/v2":
                self._answer(200, b"{}", "application/json", body)
            elif kind.endswith("/manifests"):
                self._manifest(name, body)
            elif name in registry.blobs:
                self._answer(200, registry.blobs[name], "application/octet-stream", body)
            else:
                self._refuse(Refusal(404, "BLOB_UNKNOWN", "blob unknown"), body)

        def _manifest(self, name: str, body: bool) -> None:
            registry.manifests += 1
            if name == "missing":
                self._refuse(Refusal(404, "MANIFEST_UNKNOWN", "manifest unknown"), body)
            elif registry.refusals:
                self._refuse(registry.refusals.pop(0), body)
            else:
                self._answer(200, registry.manifest, MANIFEST, body)

        def _refuse(self, refusal: Refusal, body: bool) -> None:
            time.sleep(refusal.seconds)
            error = {"errors": [{"code": refusal.code, "message": refusal.message}]}
            self._answer(refusal.status, json.dumps(error).encode(), "application/json", body)

        def _answer(self, status: int, data: bytes, kind: str, body: bool) -> None:
            self.send_response(status)
            self.send_header("Docker-Distribution-Api-Version", "registry/2.0")
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(data)))
            self.send_header("Docker-Content-Digest", _digest(data))
            self.end_headers()
            if body:
                self.wfile.write(data)

        def log_message(self, format: str, *args: object) -> None:
            pass

    return Handler


def _layer(content: str, padding: int) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, data in (
            ("content", content.encode()),
            ("padding", secrets.token_bytes(padding)),
        ):
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
    return buffer.getvalue()


def _reference(kind: str, data: bytes) -> dict[str, object]:
    return {"mediaType": kind, "size": len(data), "digest": _digest(data)}


def _digest(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()
