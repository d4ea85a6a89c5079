"""Answers in Anthropic's protocol, whole or in events."""

from __future__ import annotations

import json
import secrets
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from dataclasses import dataclass, field

from cwm_agent.server.api.fields import Json
from cwm_agent.server.api.sse import event
from cwm_agent.server.chat.turns import CallArguments, CallBegun, Delta, Said, Thought, Whole
from cwm_agent.server.service import Service
from cwm_agent.server.wanted import Piece, Usage, Wanted

SIGNATURE = "cwm-agent"
"""Of thoughts: clients send it back and expect one, here it means nothing."""


@dataclass(slots=True)
class MessageAnswer:
    """Tells the answer to one request."""

    service: Service
    id: str = field(default_factory=lambda: f"msg_{secrets.token_hex(12)}")
    _open: str | None = None  # type of the block that is being told
    _index: int = -1

    async def whole(self, wanted: Wanted) -> Json:
        """The answer in one; raises RequestError."""
        whole, last = Whole(), Piece(0)
        async with aclosing(self.service.chat(wanted)) as pieces:
            async for piece in pieces:
                last = piece
                for delta in piece.deltas:
                    whole.take(delta)
        content: list[Json] = []
        if whole.reasoning:
            content.append(
                {"type": "thinking", "thinking": whole.reasoning, "signature": SIGNATURE}
            )
        if whole.text:
            content.append({"type": "text", "text": whole.text})
        content += [
            {"type": "tool_use", "id": c.id, "name": c.name, "input": _input(c.arguments)}
            for c in whole.calls
        ]
        assert last.usage is not None
        return self._message(content, _stop_reason(last), last.stop, _usage(last.usage))

    async def events(self, wanted: Wanted) -> AsyncGenerator[bytes, None]:
        """The answer as it comes; raises RequestError."""
        begun = False
        async with aclosing(self.service.chat(wanted)) as pieces:
            async for piece in pieces:
                if not begun:
                    begun = True
                    usage = _usage(Usage(len(piece.prompt), 0, 0))
                    yield _told("message_start", message=self._message([], None, None, usage))
                    yield _told("ping")
                for delta in piece.deltas:
                    for told in self._deltas(delta):
                        yield told
                if piece.usage is not None:
                    for told in self._closed():
                        yield told
                    end = {"stop_reason": _stop_reason(piece), "stop_sequence": piece.stop}
                    yield _told("message_delta", delta=end, usage=_usage(piece.usage))
        yield _told("message_stop")

    def _message(
        self, content: list[Json], reason: str | None, stop: str | None, usage: Json
    ) -> Json:
        return {
            "id": self.id,
            "type": "message",
            "role": "assistant",
            "model": self.service.options.name,
            "content": content,
            "stop_reason": reason,
            "stop_sequence": stop,
            "usage": usage,
        }

    def _deltas(self, delta: Delta) -> Iterator[bytes]:
        match delta:
            case Thought(text):
                yield from self._in("thinking", {"thinking": "", "signature": ""})
                yield self._delta("thinking_delta", thinking=text)
            case Said(text):
                yield from self._in("text", {"text": ""})
                yield self._delta("text_delta", text=text)
            case CallBegun(id, name):
                yield from self._closed()
                yield from self._in("tool_use", {"id": id, "name": name, "input": {}})
            case CallArguments(text):
                yield self._delta("input_json_delta", partial_json=text)

    def _in(self, kind: str, empty: Json) -> Iterator[bytes]:
        if self._open == kind:
            return
        yield from self._closed()
        self._open, self._index = kind, self._index + 1
        block = {"type": kind, **empty}
        yield _told("content_block_start", index=self._index, content_block=block)

    def _closed(self) -> Iterator[bytes]:
        if self._open is None:
            return
        if self._open == "thinking":
            yield self._delta("signature_delta", signature=SIGNATURE)
        yield _told("content_block_stop", index=self._index)
        self._open = None

    def _delta(self, kind: str, **fields: object) -> bytes:
        delta = {"type": kind, **fields}
        return _told("content_block_delta", index=self._index, delta=delta)


def _told(kind: str, **fields: object) -> bytes:
    return event({"type": kind, **fields}, kind)


def _stop_reason(piece: Piece) -> str:
    if piece.stop is not None:
        return "stop_sequence"
    return {"tool_calls": "tool_use", "length": "max_tokens"}.get(piece.finish or "", "end_turn")


def _usage(usage: Usage) -> Json:
    """Tokens that were read from the cache are not counted as input."""
    return {
        "input_tokens": usage.prompt - usage.cached,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": usage.cached,
        "output_tokens": usage.completion,
    }


def _input(arguments: str) -> object:
    """Arguments that were cut are shown as far as they came: this protocol has only objects."""
    try:
        return json.loads(arguments)
    except ValueError:
        return {"_incomplete": arguments}
