"""A client that measures: what a stream says, and when."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from typing import Any

import httpx


@dataclass(slots=True)
class Heard:
    """One streamed answer. `first` is None when no token came; times in seconds."""

    ids: list[int] = field(default_factory=list)
    first: float | None = None
    gaps: list[float] = field(default_factory=list)
    seconds: float = 0.0
    text: str = ""
    prompt_tokens: int = 0
    cached: int = 0
    finish: str | None = None
    whole: bool = False


async def hear(client: httpx.AsyncClient, path: str, body: dict[str, Any]) -> Heard:
    """Ask for a stream and follow it to its end; raises httpx.HTTPError."""
    heard, began = Heard(), time.monotonic()
    wanted = {"stream": True, "stream_options": {"include_usage": True}, "return_token_ids": True}
    async with client.stream("POST", path, json=body | wanted) as answer:
        answer.raise_for_status()
        last = began
        async for line in answer.aiter_lines():
            if not line.startswith("data: "):
                continue
            if line == "data: [DONE]":
                heard.whole = True
                break
            now = time.monotonic()
            if _take(heard, json.loads(line[6:])):
                if heard.first is None:
                    heard.first = now - began
                else:
                    heard.gaps.append(now - last)
                last = now
    heard.seconds = time.monotonic() - began
    return heard


def _take(heard: Heard, event: dict[str, Any]) -> bool:
    """Add an event; whether it has tokens."""
    usage = event.get("usage")
    if usage:
        heard.prompt_tokens = usage["prompt_tokens"]
        heard.cached = (usage.get("prompt_tokens_details") or {}).get("cached_tokens", 0)
    for choice in event.get("choices", ()):
        heard.finish = choice.get("finish_reason") or heard.finish
        delta = choice.get("delta") or {}
        heard.text += delta.get("content") or choice.get("text") or ""
        if ids := choice.get("token_ids"):
            heard.ids += ids
            return True
        if delta.get("content"):  # servers that give no ids
            return True
    return False
