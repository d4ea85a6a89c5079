"""A small OpenAI-compatible server around our own engine, with failures to order.

As a program it serves the bundled model, prints its URL and gives one answer: whoever asks
again waits, so that a test can kill it before the conversation is over.
"""

from __future__ import annotations

import json
import socket
import struct
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from queue import SimpleQueue
from typing import Any, Literal

from listener import listening

from cwm_agent.policies import bundled
from model.checkpoint.open import open_checkpoint
from model.engine.build import build_engine
from model.engine.generation import Generation, Request
from model.engine.session import Session
from model.step.sampler import Sampling
from model.text.stops import IdWatcher
from model.text.tokenizer import Detokenizer

Fault = Literal["busy", "loading", "hang", "break", "fail", "refuse", "abort"]
AFTER = 3
"""Tokens that come before an answer breaks off."""


class Model:
    """A checkpoint on an engine of its own; several servers may share it."""

    def __init__(self, folder: Path) -> None:
        files = open_checkpoint(folder, device="cpu")
        self.tokenizer = files.tokenizer
        self.engine = build_engine(files.config, files.source)
        self.engine.start()

    def tokens(self, body: dict[str, Any]) -> Iterator[tuple[int | None, Generation | None]]:
        """The ids of an answer as they come, then the whole; closing it early cancels."""
        session = Session(self.engine)
        session.append(body["prompt"])
        greedy = body["temperature"] == 0
        top_p = 1.0 if greedy else body["top_p"]
        sampling = Sampling(body["temperature"], top_p, seed=body["seed"])
        coming: SimpleQueue[int | None] = SimpleQueue()
        watcher = IdWatcher(body["stop_token_ids"])
        future = session.generate(Request(body["max_tokens"], sampling), watcher, coming.put)
        future.add_done_callback(lambda _: coming.put(None))
        try:
            while (token := coming.get()) is not None:
                yield token, None
            yield None, future.result()
        finally:
            session.close()


@dataclass
class Server:
    """One server. `ids` and `stream` say what it can, `faults` how the next requests go wrong."""

    model: Model
    ids: bool = True
    stream: bool = True
    name: str = "nano"
    faults: deque[Fault | None] = field(default_factory=deque)
    bodies: list[dict[str, Any]] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)
    url: str = ""


@contextmanager
def serving(server: Server) -> Iterator[Server]:
    """The server, at `server.url`, until the block ends."""

    class Handler(_Handler):
        it = server

    with listening(Handler, server.over) as server.url:
        yield server


class _Handler(BaseHTTPRequestHandler):
    it: Server

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        if self.path != "/v1/models":
            self._json({"error": {"message": "no such path"}}, 404)
            return
        self._json({"data": [{"id": self.it.name, "max_model_len": 4096}]})

    def do_POST(self) -> None:
        assert self.path == "/v1/completions"
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.it.bodies.append(body)
        fault = self.it.faults.popleft() if self.it.faults else None
        if fault == "busy":
            self._json({"error": {"message": "busy"}}, 429, {"Retry-After": "0"})
        elif fault == "loading":
            self._json({"error": "loading"}, 503, {"Retry-After": formatdate(usegmt=True)})
        elif fault == "fail":
            self._json({"error": {"message": "CUDA error"}}, 500)
        elif fault == "refuse":
            self._json({"error": {"message": "the prompt is too long", "code": 400}}, 400)
        elif fault == "hang":
            self.it.over.wait()
        elif self.it.stream:
            self._events(body, fault)
        else:
            self._whole(body)

    def _json(
        self, document: object, status: int = 200, headers: dict[str, str] | None = None
    ) -> None:
        data = json.dumps(document).encode()
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _choice(self, text: str, ids: list[int], finish: str | None) -> dict[str, Any]:
        choice = {"index": 0, "text": text, "finish_reason": finish}
        return choice | ({"token_ids": ids} if self.it.ids else {})

    def _whole(self, body: dict[str, Any]) -> None:
        ids: list[int] = []
        for token, answer in self.it.model.tokens(body):
            if answer is not None:
                text = self.it.model.tokenizer.decode(ids)
                choice = self._choice(text, ids, answer.finish)
                self._json({"choices": [choice], "usage": _usage(answer)})
            elif token is not None:
                ids.append(token)

    def _events(self, body: dict[str, Any], fault: Fault | None) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        detokenizer = Detokenizer(self.it.model.tokenizer)
        self.wfile.write(b": keep-alive\n\n")
        tokens = self.it.model.tokens(body)
        try:
            for number, (token, answer) in enumerate(tokens):
                if answer is not None:
                    self._event(
                        {"choices": [self._choice(detokenizer.finish(), [], answer.finish)]}
                    )
                    self._event({"choices": [], "usage": _usage(answer)})
                elif fault == "break" and number == AFTER:
                    _reset(self.connection)
                    return
                elif fault == "abort" and number == AFTER:
                    self._event({"choices": [self._choice("", [], "abort")]})
                    break
                elif token is not None:
                    piece = self._choice(detokenizer.push(token), [token], None)
                    self._event({"choices": [piece]})
            self.wfile.write(b"data: [DONE]\n\n")
        except OSError:
            return  # nobody listens any more
        finally:
            tokens.close()  # type: ignore[attr-defined]

    def _event(self, document: object) -> None:
        self.wfile.write(b"data: " + json.dumps(document).encode() + b"\n\n")


def _usage(answer: Generation) -> dict[str, Any]:
    details = {"cached_tokens": answer.cached}
    return {"prompt_tokens": answer.prompt_tokens, "prompt_tokens_details": details}


def _reset(connection: socket.socket) -> None:
    """Cut a connection as the death of its process does."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.shutdown(socket.SHUT_RDWR)


if __name__ == "__main__":
    once = Server(Model(bundled.folder()), faults=deque([None, *["hang"] * 8]))
    with serving(once) as running:
        print(running.url, flush=True)
        threading.Event().wait()
