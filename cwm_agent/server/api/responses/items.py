"""The items of one response, and the events that tell how each grows."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

from cwm_agent.server.api.fields import Json
from cwm_agent.server.chat.turns import CallArguments, CallBegun, Delta, Said, Thought

Step = tuple[str, Json]


class Items:
    """`done` are the items so far."""

    def __init__(self) -> None:
        self.done: list[Json] = []
        self._kind: str | None = None
        self._item: Json = {}
        self._text = ""

    def take(self, delta: Delta) -> Iterator[Step]:
        """Events for the next delta."""
        match delta:
            case Thought(text):
                yield from self._in("reasoning", {"summary": [], "content": []})
                yield self._grown("response.reasoning_text.delta", text, content_index=0)
            case Said(text):
                if self._kind != "message":
                    yield from self._in("message", {"role": "assistant", "content": []})
                    yield self._part("response.content_part.added", "")
                yield self._grown("response.output_text.delta", text, content_index=0, logprobs=[])
            case CallBegun(id, name):
                yield from self.close(complete=True)
                fields = {"call_id": id, "name": name, "arguments": ""}
                yield from self._in("function_call", fields)
            case CallArguments(text):
                yield self._grown("response.function_call_arguments.delta", text)

    def close(self, *, complete: bool) -> Iterator[Step]:
        """Events for the end of the item that is growing, if one is."""
        kind, text, where = self._kind, self._text, self._where()
        if kind is None:
            return
        self._kind, self._text = None, ""
        if kind == "reasoning":
            yield "response.reasoning_text.done", {**where, "content_index": 0, "text": text}
            self._item["content"] = [{"type": "reasoning_text", "text": text}]
        elif kind == "message":
            done = {**where, "content_index": 0, "text": text, "logprobs": []}
            yield "response.output_text.done", done
            part = _text_part(text)
            yield "response.content_part.done", {**where, "content_index": 0, "part": part}
            self._item["content"] = [part]
        else:
            self._item["arguments"] = text
            done = {**where, "arguments": text, "name": self._item["name"]}
            yield "response.function_call_arguments.done", done
        self._item["status"] = "completed" if complete else "incomplete"
        self.done.append(self._item)
        yield (
            "response.output_item.done",
            {
                "output_index": where["output_index"],
                "item": self._item,
            },
        )

    def _in(self, kind: str, fields: Json) -> Iterator[Step]:
        if self._kind == kind:
            return
        yield from self.close(complete=True)
        prefix = {"reasoning": "rs", "message": "msg", "function_call": "fc"}[kind]
        name = f"{prefix}_{secrets.token_hex(12)}"
        self._kind = kind
        self._item = {"id": name, "type": kind, "status": "in_progress", **fields}
        shown = {"output_index": len(self.done), "item": dict(self._item)}
        yield "response.output_item.added", shown

    def _grown(self, event: str, text: str, **fields: object) -> Step:
        self._text += text
        return event, {**self._where(), **fields, "delta": text}

    def _part(self, event: str, text: str) -> Step:
        return event, {**self._where(), "content_index": 0, "part": _text_part(text)}

    def _where(self) -> Json:
        return {"item_id": self._item.get("id"), "output_index": len(self.done)}


def _text_part(text: str) -> Json:
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}
