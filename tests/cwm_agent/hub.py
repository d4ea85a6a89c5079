"""A hub of data sets on this machine: as much of its protocol as loading one needs."""

from __future__ import annotations

import hashlib
import io
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

Files = dict[str, bytes]


@dataclass
class Hub:
    """Data sets by id and revision; `newest` says which revision `main` is."""

    revisions: dict[tuple[str, str], Files]
    newest: dict[str, str]
    asked: list[str] = field(default_factory=list)
    address: str = ""


def parquet(*rows: dict[str, Any]) -> bytes:
    """A data set's file with these rows."""
    from datasets import Dataset

    buffer = io.BytesIO()
    Dataset.from_list(list(rows)).to_parquet(buffer)
    return buffer.getvalue()


@contextmanager
def serving(hub: Hub) -> Iterator[Hub]:
    """The hub at `hub.address`, as long as the context lasts."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._answer()

        def do_HEAD(self) -> None:
            self._answer()

        def do_POST(self) -> None:
            self._answer(self.rfile.read(int(self.headers.get("Content-Length", 0))))

        def log_message(self, *_: object) -> None:
            pass

        def _answer(self, body: bytes = b"") -> None:
            path = unquote(urlsplit(self.path).path)
            hub.asked.append(f"{self.command} {path}")
            status, headers, content = answer(hub, path, body)
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(content)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    hub.address = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()


Answer = tuple[int, dict[str, str], bytes]
NOT_FOUND: Answer = (404, {"X-Error-Code": "EntryNotFound"}, b"")


def answer(hub: Hub, path: str, body: bytes) -> Answer:
    """Status, headers and content for one request."""
    parts = PurePosixPath(path).parts[1:]
    api = parts[:2] == ("api", "datasets")
    found = parts[2:] if api else parts[1:]
    if len(found) < 2:
        return NOT_FOUND
    owner, name, *rest = found
    name_of_set = f"{owner}/{name}"
    verb, revision, *inner = [*rest, "", ""] if rest else ["revision", hub.newest[name_of_set]]
    if revision == "main":
        revision = hub.newest[name_of_set]
    files = hub.revisions.get((name_of_set, revision))
    if files is None:
        return 404, {"X-Error-Code": "RevisionNotFound"}, b""
    file = "/".join(part for part in inner if part)
    if not api:
        return _file(files.get(file), revision)
    if verb == "revision":
        listed = [{"rfilename": file} for file in files]
        return _json({"id": name_of_set, "sha": revision, "siblings": listed})
    if verb == "paths-info":
        wanted = json.loads(body)["paths"]
        return _json([_entry(file, files[file]) for file in wanted if file in files])
    return _json(_folder(files, file))


def _folder(files: Files, folder: str) -> list[dict[str, object]]:
    """What lies directly in a folder; "" is the uppermost."""
    start = f"{folder}/" if folder else ""
    inside = {
        name.removeprefix(start): data for name, data in files.items() if name.startswith(start)
    }
    folders = {name.partition("/")[0] for name in inside if "/" in name}
    return [
        *(_entry(start + name, data) for name, data in inside.items() if "/" not in name),
        *({"type": "directory", "path": start + name, "oid": "0" * 40} for name in folders),
    ]


def _entry(name: str, data: bytes) -> dict[str, object]:
    oid = hashlib.sha1(data).hexdigest()
    return {"type": "file", "path": name, "size": len(data), "oid": oid}


def _file(data: bytes | None, revision: str) -> Answer:
    if data is None:
        return NOT_FOUND
    return 200, {"ETag": f'"{hashlib.sha1(data).hexdigest()}"', "X-Repo-Commit": revision}, data


def _json(value: object) -> Answer:
    return 200, {"Content-Type": "application/json"}, json.dumps(value).encode()
