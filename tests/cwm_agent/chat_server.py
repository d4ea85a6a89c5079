"""A server of both chat APIs that says what a test has written for it, and keeps what it is asked.

Formats: the API references of OpenAI (chat completions) and Anthropic (messages).
"""

from __future__ import annotations

import json
import socket
import struct
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any, Literal

from listener import listening

Calls = Sequence[tuple[str, object]]


@dataclass
class Turn:
    """One answer. `status` other than 200 is an error whose text is `text` and whose code `code`.

    `calls` are functions with their arguments, a str where they are no JSON of ours.
    `breaks`: the connection is cut before the end; `hangs`: nothing ever comes.
    """

    text: str = ""
    calls: Calls = ()
    reasoning: str = ""
    finish: str = ""
    usage: dict[str, Any] | None = None
    status: int = 200
    code: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    stream: bool = True
    breaks: bool = False
    hangs: bool = False


def refusal(text: str, status: int = 400, code: str = "", **headers: str) -> Turn:
    """An error; `retry_after="0"` is the header Retry-After."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Turn(text, status=status, code=code, headers=named)


@dataclass
class ChatServer:
    """`turns` are said in order; `probe` answers the question whether functions are called.

    Without `models` the status of their list is `no_list`.
    """

    turns: deque[Turn] = field(default_factory=deque)
    probe: Literal["native", "text"] | Turn = "native"
    models: list[dict[str, Any]] | None = field(default_factory=lambda: [{"id": "scripted"}])
    no_list: int = 404
    key: str | None = None
    bodies: list[dict[str, Any]] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)
    url: str = ""

    def says(self, *turns: Turn | str) -> None:
        """Append to what is said."""
        self.turns.extend(Turn(turn) if isinstance(turn, str) else turn for turn in turns)

    def next(self, body: dict[str, Any]) -> Turn:
        """The answer to a request."""
        names = [tool.get("function", tool)["name"] for tool in body.get("tools", ())]
        if names == ["report"]:
            if isinstance(self.probe, Turn):
                return self.probe
            ready = Turn(calls=[("report", {"status": "ready"})])
            return ready if self.probe == "native" else Turn("ready")
        self.bodies.append(body)
        return self.turns.popleft()


@contextmanager
def chatting(server: ChatServer) -> Iterator[ChatServer]:
    """The server, at `server.url`, until the block ends."""

    class Handler(_Handler):
        it = server

    with listening(Handler, server.over) as server.url:
        yield server


class _Handler(BaseHTTPRequestHandler):
    it: ChatServer
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        if self.it.models is None:
            self._error(refusal("no such path", self.it.no_list))
        elif self._may_enter():
            self._json({"data": self.it.models, "has_more": False})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if not self._may_enter():
            return
        turn = self.it.next(body)
        if turn.hangs:
            self.it.over.wait()
        elif turn.status != 200:
            self._error(turn)
        elif self.path == "/v1/messages":
            self._events(anthropic_events(turn), turn, named=True)
        elif not turn.stream:
            self._json({"choices": [whole(turn)], "usage": turn.usage}, headers=turn.headers)
        else:
            assert self.path == "/v1/chat/completions"
            self._events(openai_events(turn), turn, named=False)

    def _may_enter(self) -> bool:
        sent = self.headers.get("x-api-key") or self.headers.get("authorization", "")
        if self.it.key is None or sent.removeprefix("Bearer ") == self.it.key:
            return True
        self._error(refusal("wrong key", 401, "invalid_api_key"))
        return False

    def _error(self, turn: Turn) -> None:
        error = {"message": turn.text, "type": turn.code or "error", "code": turn.code or None}
        self._json({"type": "error", "error": error}, turn.status, turn.headers)

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

    def _events(self, events: list[dict[str, Any]], turn: Turn, *, named: bool) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        for name, value in turn.headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.close_connection = True
        for number, event in enumerate(events):
            if turn.breaks and number == len(events) // 2:
                self.connection.setsockopt(
                    socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
                )
                self.connection.shutdown(socket.SHUT_RDWR)
                return
            head = f"event: {event['type']}\n".encode() if named else b""
            self.wfile.write(head + b"data: " + json.dumps(event).encode() + b"\n\n")
        if not named:
            self.wfile.write(b": still here\n\ndata: [DONE]\n\n")


def openai_events(turn: Turn) -> list[dict[str, Any]]:
    """A stream of chat completion chunks; texts come in pieces of three characters."""
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": ""}]
    deltas += [{"reasoning_content": piece} for piece in _pieces(turn.reasoning)]
    deltas += [{"content": piece} for piece in _pieces(turn.text)]
    for index, (name, arguments) in enumerate(turn.calls):
        start = {"index": index, "id": f"call-{name}-{index}", "function": {"name": name}}
        deltas.append({"tool_calls": [start]})
        deltas += [
            {"tool_calls": [{"index": index, "function": {"arguments": piece}}]}
            for piece in _pieces(_arguments(arguments))
        ]
    events: list[dict[str, Any]] = [{"choices": [{"index": 0, "delta": d}]} for d in deltas]
    events.append({"choices": [{"index": 0, "delta": {}, "finish_reason": _finish(turn)}]})
    if turn.usage is not None:
        events.append({"choices": [], "usage": turn.usage})
    return events


def whole(turn: Turn) -> dict[str, Any]:
    """The choice of a chat completion that does not stream."""
    calls = [
        {"id": "c", "type": "function", "function": {"name": n, "arguments": _arguments(a)}}
        for n, a in turn.calls
    ]
    message = {"role": "assistant", "content": turn.text or None, "tool_calls": calls or None}
    return {"index": 0, "message": message, "finish_reason": _finish(turn)}


def anthropic_events(turn: Turn) -> list[dict[str, Any]]:
    """A stream of Anthropic's messages."""
    usage = {"input_tokens": 10, "output_tokens": 5} | (turn.usage or {})
    message = {
        "id": "msg_1", "type": "message", "role": "assistant", "model": "scripted", "content": [],
        "stop_reason": None, "stop_sequence": None, "usage": usage | {"output_tokens": 1},
    }  # fmt: skip
    blocks: list[tuple[dict[str, Any], list[dict[str, Any]]]] = []
    if turn.reasoning:
        thought = [{"type": "thinking_delta", "thinking": p} for p in _pieces(turn.reasoning)]
        signed = {"type": "signature_delta", "signature": "c2lnbmVk"}
        empty = {"type": "thinking", "thinking": "", "signature": ""}
        blocks.append((empty, [*thought, signed]))
    if turn.text:
        texts = [{"type": "text_delta", "text": piece} for piece in _pieces(turn.text)]
        blocks.append(({"type": "text", "text": ""}, texts))
    for number, (name, arguments) in enumerate(turn.calls):
        parts = [
            {"type": "input_json_delta", "partial_json": p} for p in _pieces(_arguments(arguments))
        ]
        use = {"type": "tool_use", "id": f"toolu_{number}", "name": name, "input": {}}
        blocks.append((use, parts))
    events: list[dict[str, Any]] = [{"type": "message_start", "message": message}]
    for index, (block, parts) in enumerate(blocks):
        events.append({"type": "content_block_start", "index": index, "content_block": block})
        events += [{"type": "content_block_delta", "index": index, "delta": p} for p in parts]
        events.append({"type": "content_block_stop", "index": index})
    finish = turn.finish or ("tool_use" if turn.calls else "end_turn")
    delta = {"stop_reason": finish, "stop_sequence": None}
    events.append({"type": "message_delta", "delta": delta, "usage": {
        "output_tokens": usage["output_tokens"]}})  # fmt: skip
    events.append({"type": "message_stop"})
    return events


def _finish(turn: Turn) -> str:
    return turn.finish or ("tool_calls" if turn.calls else "stop")


def _arguments(arguments: object) -> str:
    return arguments if isinstance(arguments, str) else json.dumps(arguments)


def _pieces(text: str) -> list[str]:
    return [text[i : i + 3] for i in range(0, len(text), 3)]
