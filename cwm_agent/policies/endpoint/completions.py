"""The completions API: token ids go out, pieces of the answer come back.

The prompt is a list of token ids, so this program's chat format stays the only
one. Servers that know `return_token_ids` (vLLM, SGLang) answer in ids as well;
of others only the text is known. Source of the formats: the API reference of
OpenAI (completions, streaming) and vLLM's extra parameters.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

import httpx

from cwm_agent.policies.endpoint.transport import Served, count, events, heard, models, text


@dataclass(frozen=True, slots=True)
class Completion:
    """What is asked. `top_p` 1 leaves nothing out; any of `stop_ids` ends the answer."""

    prompt: Sequence[int]
    max_tokens: int
    temperature: float
    top_p: float
    seed: int
    stop_ids: Sequence[int]

    def body(self, model: str) -> dict[str, object]:
        """The JSON of the request."""
        return {
            "model": model,
            "prompt": list(self.prompt),
            "max_tokens": self.max_tokens,
            "temperature": self.temperature,
            "top_p": self.top_p,
            "seed": self.seed,
            "stop_token_ids": list(self.stop_ids),
            "return_token_ids": True,
            "stream": True,
            "stream_options": {"include_usage": True},
        }


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of an answer. `ids` is None where the server tells only its text.

    `finish` is the server's reason for the end, where this is the last part.
    `prompt_tokens` and `cached_tokens` are None where nothing is said of them.
    """

    text: str = ""
    ids: tuple[int, ...] | None = None
    finish: str | None = None
    prompt_tokens: int | None = None
    cached_tokens: int | None = None


class CompletionsApi:
    """See `cwm_agent.policies.endpoint.transport.Api`; `client` is closed with it."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    async def models(self, url: str) -> tuple[Served, ...]:
        """What the server offers."""
        return await models(self._client, url)

    async def pieces(self, url: str, model: str, wanted: Completion) -> AsyncGenerator[Piece, None]:
        """The answer as it comes."""
        answer = events(self._client, url, "/completions", wanted.body(model))
        async with aclosing(answer):
            async for event in answer:
                async with heard(url):
                    piece = _piece(event)
                yield piece

    async def close(self) -> None:
        """End all connections."""
        await self._client.aclose()


def _piece(event: dict[str, Any]) -> Piece:
    usage = event.get("usage") or {}
    details = usage.get("prompt_tokens_details") or {}
    choice: dict[str, Any] = next(iter(event["choices"]), {})
    ids = choice.get("token_ids")
    return Piece(
        text=text(choice.get("text")),
        ids=None if ids is None else tuple(map(int, ids)),
        finish=text(choice.get("finish_reason")) or None,
        prompt_tokens=count(usage, "prompt_tokens"),
        cached_tokens=count(details, "cached_tokens"),
    )
