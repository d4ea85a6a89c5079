"""Answers in the protocol of responses, whole or in events."""

from __future__ import annotations

import secrets
import time
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from dataclasses import dataclass, field

from cwm_agent.server.api.fields import Json
from cwm_agent.server.api.responses.fields import ResponsesRequest
from cwm_agent.server.api.responses.items import Items
from cwm_agent.server.api.responses.store import ResponseStore, Stored
from cwm_agent.server.api.sse import event
from cwm_agent.server.chat.turns import Turn, Whole
from cwm_agent.server.service import Service
from cwm_agent.server.wanted import Usage, Wanted


@dataclass(slots=True)
class ResponseAnswer:
    """Tells the answer to one request, which is that to `turns` in all, and stores it."""

    request: ResponsesRequest
    service: Service
    store: ResponseStore
    turns: tuple[Turn, ...]
    job: str
    id: str = field(default_factory=lambda: f"resp_{secrets.token_hex(16)}")
    created: int = field(default_factory=lambda: int(time.time()))
    _number: int = -1

    async def whole(self, wanted: Wanted) -> Json:
        """The answer in one; raises RequestError."""
        response: Json = {}
        async with aclosing(self._steps(wanted)) as steps:
            async for _, fields in steps:
                response = fields.get("response", response)
        return response

    async def events(self, wanted: Wanted) -> AsyncGenerator[bytes, None]:
        """The answer as it comes; raises RequestError."""
        async with aclosing(self._steps(wanted)) as steps:
            async for kind, fields in steps:
                self._number += 1
                yield event({"type": kind, "sequence_number": self._number, **fields}, kind)

    async def _steps(self, wanted: Wanted) -> AsyncGenerator[tuple[str, Json], None]:
        items, whole, begun = Items(), Whole(), False
        async with aclosing(self.service.chat(wanted)) as pieces:
            async for piece in pieces:
                if not begun:
                    begun = True
                    for kind in ("response.created", "response.in_progress"):
                        yield kind, {"response": self._response("in_progress", [], None)}
                for delta in piece.deltas:
                    whole.take(delta)
                    for step in items.take(delta):
                        yield step
                if piece.usage is None:
                    continue
                cut = piece.finish == "length"
                for step in items.close(complete=not cut):
                    yield step
                status = "incomplete" if cut else "completed"
                response = self._response(status, items.done, piece.usage)
                self._keep(response, whole)
                yield f"response.{status}", {"response": response}

    def _keep(self, response: Json, whole: Whole) -> None:
        if self.request.store is not False:
            self.store.put(Stored(response, (*self.turns, whole.turn()), self.job))

    def _response(self, status: str, output: list[Json], usage: Usage | None) -> Json:
        request = self.request
        reasoning = request.reasoning
        found = request.text.format if request.text else None
        return {
            "id": self.id,
            "object": "response",
            "created_at": self.created,
            "status": status,
            "background": False,
            "error": None,
            "incomplete_details": {"reason": "max_output_tokens"}
            if status == "incomplete"
            else None,
            "instructions": request.instructions,
            "max_output_tokens": request.max_output_tokens,
            "metadata": request.metadata or {},
            "model": self.service.options.name,
            "output": list(output),
            "parallel_tool_calls": False,
            "previous_response_id": request.previous_response_id,
            "reasoning": {"effort": reasoning.effort if reasoning else None, "summary": None},
            "store": request.store is not False,
            "temperature": request.temperature,
            "text": {"format": {"type": found.type if found else "text"}},
            "tool_choice": request.tool_choice
            if isinstance(request.tool_choice, str)
            else request.tool_choice.model_dump()
            if request.tool_choice
            else "auto",
            "tools": [tool.model_dump() for tool in request.tools or ()],
            "top_p": request.top_p,
            "truncation": "disabled",
            "usage": _usage(usage),
            "user": None,
        }


def _usage(usage: Usage | None) -> Json | None:
    if usage is None:
        return None
    return {
        "input_tokens": usage.prompt,
        "input_tokens_details": {"cached_tokens": usage.cached},
        "output_tokens": usage.completion,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning},
        "total_tokens": usage.prompt + usage.completion,
    }


def input_items(turns: tuple[Turn, ...]) -> Iterator[Json]:
    """The items that a stored conversation consists of."""
    for number, turn in enumerate(turns):
        if turn.role == "tool":
            yield {"id": f"fco_{number}", "type": "function_call_output", "output": turn.text}
            continue
        kind = "output_text" if turn.role == "assistant" else "input_text"
        content = [{"type": kind, "text": turn.text}]
        if turn.text or not turn.calls:
            yield {"id": f"msg_{number}", "type": "message", "role": turn.role, "content": content}
        for call in turn.calls:
            yield {
                "id": f"fc_{number}",
                "type": "function_call",
                "call_id": call.id,
                "name": call.name,
                "arguments": call.arguments,
            }
