"""A chat completion put together from the events of its stream, or from a whole one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from cwm_agent.policies.chat.request import (
    Call,
    Said,
    arguments_of,
    closed,
    split_thought,
)
from cwm_agent.policies.endpoint.transport import ServerGoneError, count, text
from results.records import Finish

_CUT = ("length", "max_tokens")
_FAILED = ("error", "abort")
_REASONING = ("reasoning_content", "reasoning")
"""Two names of one thing; a server may use both."""
COST_HEADER = "x-litellm-response-cost"


class Fragments:
    """Collects; `finish` is the server's word for the end, once it has come."""

    def __init__(self) -> None:
        self.finish: str | None = None
        self._content = ""
        self._texts: dict[str, str] = {}
        self._details: list[Any] = []
        self._calls: dict[int, dict[str, str]] = {}
        self._usage: Mapping[str, Any] = {}
        self._cost: float | None = None

    @property
    def in_thought(self) -> bool:
        """Whether the content ended in the middle of a thought."""
        thought, answer = split_thought(self._content)
        return bool(thought) and not answer and self.finish == "stop"

    def headers(self, headers: Mapping[str, str]) -> None:
        """What a proxy says beside the answer."""
        self._cost = _number(headers.get(COST_HEADER))

    def add(self, event: Mapping[str, Any]) -> None:
        """One event; raises TypeError and the like for what is none, ServerGoneError."""
        if usage := event.get("usage"):
            self._usage = usage
        choice: Mapping[str, Any] = next(iter(event.get("choices") or ()), {})
        delta: Mapping[str, Any] = choice.get("delta") or choice.get("message") or {}
        self._content += text(delta.get("content")) + text(delta.get("refusal"))
        for name in _REASONING:
            if piece := text(delta.get(name)):
                self._texts[name] = self._texts.get(name, "") + piece
        self._details += delta.get("reasoning_details") or ()
        for place, call in enumerate(delta.get("tool_calls") or ()):
            self._add_call(call, place)
        if reason := text(choice.get("finish_reason")):
            if reason in _FAILED:
                raise ServerGoneError(f"the server ended its answer with '{reason}'")
            self.finish = reason

    def said(self, *, native: bool, stopped: bool, as_read: bool = False) -> Said:
        """The whole answer. `native`: calls are functions; else the server `stopped` at a call,
        or it came `as_read`: a text with all that was sampled."""
        finish: Finish = "length" if self.finish in _CUT else "stop"
        thought, answer = ("", self._content) if as_read else split_thought(self._content)
        if not native and not as_read:
            answer = closed(answer, stopped=stopped and finish == "stop")
        calls = self._usable_calls(cut=finish == "length")
        message: dict[str, Any] = {"role": "assistant", "content": answer, **self._texts}
        if self._details:
            message["reasoning_details"] = self._details
        if calls:
            message["tool_calls"] = [_as_sent(call) for call in calls]
        details = self._usage.get("prompt_tokens_details") or {}
        cached = count(details, "cached_tokens")
        return Said(
            message=message,
            text=answer,
            finish=finish,
            reasoning=next(iter(self._texts.values()), "") or thought,
            calls=tuple(Call(call["name"], call["arguments"]) for call in calls),
            prompt_tokens=count(self._usage, "prompt_tokens"),
            cached_tokens=count(self._usage, "prompt_cache_hit_tokens")
            if cached is None
            else cached,
            written_tokens=count(self._usage, "completion_tokens"),
            cost=self._cost if (told := _number(self._usage.get("cost"))) is None else told,
        )

    def _add_call(self, piece: Mapping[str, Any], place: int) -> None:
        """A part of a call; where a server gives no index, an id begins the next one."""
        index = piece.get("index")
        if index is None:
            index = len(self._calls) if piece.get("id") else max(self._calls, default=place)
        call = self._calls.setdefault(index, {"id": "", "name": "", "arguments": ""})
        function = piece.get("function") or {}
        call["id"] = call["id"] or text(piece.get("id"))
        call["name"] = call["name"] or text(function.get("name"))
        arguments = function.get("arguments")
        call["arguments"] += (
            json.dumps(arguments) if isinstance(arguments, dict) else text(arguments)
        )

    def _usable_calls(self, *, cut: bool) -> list[dict[str, str]]:
        """Calls in their order, each with an id; without one that was cut in its middle."""
        calls = [self._calls[index] for index in sorted(self._calls)]
        for number, call in enumerate(calls):
            call["id"] = call["id"] or f"call_{number}"
        if cut and calls and arguments_of(Call("", calls[-1]["arguments"] or "?")) is None:
            calls.pop()
        return calls


def _as_sent(call: Mapping[str, str]) -> dict[str, Any]:
    """A call for a later request; chat templates parse the arguments, which must be an object."""
    arguments = call["arguments"]
    usable = isinstance(arguments_of(Call("", arguments)), dict)
    function = {"name": call["name"], "arguments": arguments if usable and arguments else "{}"}
    return {"id": call["id"], "type": "function", "function": function}


def _number(value: object) -> float | None:
    try:
        return float(value) if isinstance(value, str | int | float) else None
    except ValueError:
        return None
