"""dap-python's client over a socket or a process; every message is checked against the schema."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import debugpy
import jsonschema
from dap import Client
from pydantic import ValidationError

Message = dict[str, Any]


@cache
def _schema() -> dict[str, Any]:
    """Microsoft's published schema, as debugpy ships it."""
    folder = Path(debugpy.__file__).parent / "_vendored/pydevd/_pydevd_bundle/_debug_adapter"
    found: dict[str, Any] = json.loads((folder / "debugProtocol.json").read_text())
    return found


@cache
def _validator(name: str) -> jsonschema.Draft4Validator:
    schema = _schema()
    assert name in schema["definitions"], name
    return jsonschema.Draft4Validator({**schema, "$ref": f"#/definitions/{name}"})


def check(message: Message) -> None:
    """Raise unless the message is what the schema says of its event or response."""
    if message["type"] == "event":
        name = _capital(message["event"]) + "Event"
    elif not message["success"]:
        name = "ErrorResponse"
    else:
        name = _capital(message["command"]) + "Response"
    _validator(name).validate(message)


def _capital(name: str) -> str:
    return name[0].upper() + name[1:]


class Talk:
    """Sends through the independent client, and hears both its reading and the plain messages."""

    def __init__(
        self, send: Callable[[bytes], object], receive: Callable[[], bytes], *, strict: bool = True
    ) -> None:
        self.client = Client("cwm-agent")
        self._send, self._receive, self._strict = send, receive, strict
        self._buffer = b""
        self._heard: list[Message] = []
        self.events: list[Message] = []
        self.understood = 0
        self.unread: set[str] = set()

    def request(self, command: str, arguments: Message | None = None) -> Message:
        """Its response; raises AssertionError when it failed."""
        answer = self.try_request(command, arguments)
        assert answer["success"], answer
        return answer.get("body") or {}

    def try_request(self, command: str, arguments: Message | None = None) -> Message:
        """Its response, whatever it is."""
        number = self.client.send_request(command, arguments or {})
        self.flush()
        return self.wait(lambda m: m["type"] == "response" and m["request_seq"] == number)

    def post(self, command: str, arguments: Message | None = None) -> None:
        """Send without waiting."""
        self.client.send_request(command, arguments or {})
        self.flush()

    def flush(self) -> None:
        """Send what the client has written."""
        self._send(self.client.send())

    def event(self, *names: str) -> Message:
        """The next event of one of these names."""
        return self.wait(lambda m: m["type"] == "event" and m["event"] in names)

    def wait(self, wanted: Callable[[Message], bool]) -> Message:
        """The first message, of those not yet waited for, that is wanted."""
        while True:
            for message in self._heard:
                if wanted(message):
                    self._heard.remove(message)
                    return message
            self._hear()

    def _understand(self, data: bytes) -> None:
        """The client's own reading. Version 0.5.0 cannot read a response that has no body, since
        it takes the body of one for the response; the schema is what such a one is checked by."""
        while True:
            try:
                self.understood += sum(1 for _ in self.client.receive(data))
            except ValidationError as error:
                self.unread.add(error.title)
                data = b""
            else:
                return

    def _hear(self) -> None:
        data = self._receive()
        assert data, "the adapter is gone"
        if self._strict:
            self._understand(data)
        self._buffer += data
        while b"\r\n\r\n" in self._buffer:
            head, _, rest = self._buffer.partition(b"\r\n\r\n")
            length = int(head.split(b":")[1])
            if len(rest) < length:
                return
            message = json.loads(rest[:length])
            self._buffer = rest[length:]
            if self._strict:
                check(message)
            self._heard.append(message)
