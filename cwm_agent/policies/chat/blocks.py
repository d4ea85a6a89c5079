"""A message of Anthropic's API put together from the events of its stream.

The client library does so, too, but gives up at arguments of a call that are no JSON.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from cwm_agent.policies.chat.request import Call, Said, arguments_of, closed
from results.records import Finish

if TYPE_CHECKING:  # an extra
    from anthropic.types import RawMessageStreamEvent

_CUT = ("max_tokens", "model_context_window_exceeded")
_PIECES = {"text_delta": "text", "thinking_delta": "thinking", "signature_delta": "signature"}


class Blocks:
    """Collects; `stop_reason` is the server's word for the end, once it has come."""

    def __init__(self) -> None:
        self.stop_reason: str | None = None
        self._blocks: list[dict[str, Any]] = []
        self._arguments: dict[int, str] = {}
        self._usage: dict[str, int] = {}

    def add(self, event: RawMessageStreamEvent) -> None:
        """One event; raises LookupError and the like for what is none."""
        if event.type == "message_start":
            self._count(event.message.usage.model_dump())
        elif event.type == "content_block_start":
            self._blocks.append(event.content_block.model_dump(exclude_none=True, mode="json"))
        elif event.type == "content_block_delta":
            self._add_piece(event.index, event.delta.model_dump())
        elif event.type == "message_delta":
            self.stop_reason = event.delta.stop_reason
            self._count(event.usage.model_dump())

    def said(self, *, stopped: bool) -> Said:
        """The whole answer; a call that was cut in its middle is left out.

        `stopped`: the server was asked to end at a call. Proxies call that the end of the turn.
        """
        finish: Finish = "length" if self.stop_reason in _CUT else "stop"
        calls: list[Call] = []
        for index, block in enumerate(self._blocks):
            if block["type"] != "tool_use":
                continue
            call = Call(block["name"], self._arguments.get(index) or block["input"])
            arguments = arguments_of(call)
            if finish == "length" and arguments is None:
                block["type"] = "cut"
                continue
            block["input"] = arguments if isinstance(arguments, dict) else {}
            calls.append(call)
        answer = "".join(block["text"] for block in self._of("text"))
        read = self._usage.get("cache_read_input_tokens")
        return Said(
            message={"role": "assistant", "content": [b for b in self._blocks if _is_sent_back(b)]},
            text=closed(answer, stopped=stopped and finish == "stop"),
            finish=finish,
            reasoning="\n".join(block["thinking"] for block in self._of("thinking")),
            calls=tuple(calls),
            prompt_tokens=sum(
                self._usage.get(key, 0)
                for key in (
                    "input_tokens",
                    "cache_creation_input_tokens",
                    "cache_read_input_tokens",
                )
            )
            or None,  # a proxy that was not told says 0
            cached_tokens=read,
            written_tokens=self._usage.get("output_tokens"),
        )

    def _add_piece(self, index: int, delta: Mapping[str, Any]) -> None:
        if delta["type"] == "input_json_delta":
            self._arguments[index] = self._arguments.get(index, "") + delta["partial_json"]
        elif key := _PIECES.get(delta["type"]):
            block = self._blocks[index]
            block[key] = block.get(key, "") + delta[key]

    def _count(self, usage: Mapping[str, Any]) -> None:
        """Counts of a later event are of the whole message, those that it names."""
        self._usage |= {key: value for key, value in usage.items() if isinstance(value, int)}

    def _of(self, kind: str) -> list[dict[str, Any]]:
        return [block for block in self._blocks if block["type"] == kind]


def _is_sent_back(block: Mapping[str, Any]) -> bool:
    """The API takes no empty texts."""
    return block["type"] != "cut" and (block["type"] != "text" or bool(block["text"].strip()))
