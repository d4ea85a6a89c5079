"""OpenAI's chat completions, as many servers speak them.

Source of the formats: the API reference of OpenAI (chat, streaming, function
calling), and what vLLM, llama.cpp, OpenRouter, DeepSeek and LiteLLM add to it:
reasoning beside the content, cached tokens, costs.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from typing import Any

import httpx

from cwm_agent.parsing import parse_json
from cwm_agent.policies.chat.fragments import Fragments
from cwm_agent.policies.chat.habits import Habits
from cwm_agent.policies.chat.request import ChatPiece, ChatRequest
from cwm_agent.policies.endpoint.transport import (
    BadRequestError,
    Served,
    ServerGoneError,
    events,
    heard,
    models,
)
from results.records import Message, Reply
from tools.native import Function
from tools.parsing import CLOSE


class ChatCompletionsApi:
    """See `cwm_agent.policies.endpoint.transport.Api`; `client` is closed with it.

    `extra` are further parameters of each request.
    """

    def __init__(self, client: httpx.AsyncClient, extra: Mapping[str, Any]) -> None:
        self._client = client
        self._extra = dict(extra)
        self._habits: dict[str, Habits] = {}

    def habits(self, url: str) -> Habits:
        """What was learnt of a server."""
        return self._habits.setdefault(url, Habits())

    async def models(self, url: str) -> tuple[Served, ...]:
        """What the server offers."""
        return await models(self._client, url)

    async def pieces(
        self, url: str, model: str, wanted: ChatRequest
    ) -> AsyncGenerator[ChatPiece, None]:
        """The answer as it comes; also raises ContextFullError."""
        habits, room = self.habits(url), wanted.max_tokens
        while True:
            body = habits.shape(request_body(model, wanted, room) | self._extra)
            try:
                async with aclosing(self._once(url, body)) as pieces:
                    async for piece in pieces:
                        yield piece
                return
            except BadRequestError as refusal:
                room = habits.learn(refusal, body) or room
            except StoppedInThoughtError:
                habits.left_out.append("stop")

    async def close(self) -> None:
        """End all connections."""
        await self._client.aclose()

    async def _once(self, url: str, body: dict[str, Any]) -> AsyncGenerator[ChatPiece, None]:
        fragments = Fragments()
        answer = events(self._client, url, "/chat/completions", body, fragments.headers)
        try:
            async with aclosing(answer):
                async for event in answer:
                    async with heard(url):
                        fragments.add(event)
                    yield ChatPiece()
        except ServerGoneError:
            if fragments.finish is None:
                raise  # else only its counts are missing, or the end of the stream
        if fragments.finish is None:
            raise ServerGoneError(f"{url} ended its answer without a reason")
        stopped = bool(body.get("stop"))
        if stopped and fragments.in_thought:
            raise StoppedInThoughtError
        async with heard(url):
            said = fragments.said(
                native="tools" in body, stopped=stopped, as_read="text_tool_calls" in body
            )
        yield ChatPiece(said)


class StoppedInThoughtError(Exception):
    """A thought inside the content mentioned the text that ends a call."""


def request_body(model: str, wanted: ChatRequest, max_tokens: int) -> dict[str, Any]:
    """The JSON of a request."""
    if wanted.as_read:
        return _as_read(model, wanted, max_tokens)
    body: dict[str, Any] = {
        "model": model,
        "messages": chat_messages(wanted.history, native=bool(wanted.functions)),
        "max_tokens": max_tokens,
        "temperature": wanted.temperature,
        "seed": wanted.seed,
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    if wanted.top_p < 1:
        body["top_p"] = wanted.top_p
    if wanted.functions:
        body["tools"] = [_tool(function) for function in wanted.functions]
        body["parallel_tool_calls"] = False
    elif wanted.stop_after_call:
        body["stop"] = [CLOSE]
    return body


def _as_read(model: str, wanted: ChatRequest, max_tokens: int) -> dict[str, Any]:
    """For `cwm-agent serve`: what the embedded model would read, sampled in the same way."""
    messages = []
    for entry in wanted.history:
        role, _, tool = ("assistant" if isinstance(entry, Reply) else entry.role).partition(": ")
        messages.append({"role": role, "content": entry.text} | ({"name": tool} if tool else {}))
    return {
        "model": model,
        "messages": messages,
        "max_tokens": max_tokens,
        "temperature": wanted.temperature,
        "top_p": wanted.top_p,
        "seed": wanted.seed,
        "text_tool_calls": True,
        "stop_after_tool_call": wanted.stop_after_call,
        "stream": True,
        "stream_options": {"include_usage": True},
    }


def chat_messages(history: Sequence[Message | Reply], *, native: bool) -> list[dict[str, Any]]:
    """The conversation as messages: each call is answered, and no two in a row are the user's."""
    messages: list[dict[str, Any]] = []
    waiting: list[str] = []
    for entry in history:
        if isinstance(entry, Reply):
            message = _assistant(entry, native=native)
            waiting = [call["id"] for call in message.get("tool_calls", ())]
            if waiting or message["content"]:
                messages.append(message)
        elif waiting:
            messages += [
                {"role": "tool", "tool_call_id": i, "content": entry.text} for i in waiting
            ]
            waiting = []
        else:
            role = "system" if entry.role == "system" else "user"
            if messages and role == "user" == messages[-1]["role"]:
                before = messages.pop()["content"]
                messages.append({"role": role, "content": f"{before}\n\n{entry.text}"})
            else:
                messages.append({"role": role, "content": entry.text})
    return messages


def _assistant(reply: Reply, *, native: bool) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": reply.text}
    if reply.chat is not None:
        kept = parse_json(reply.chat.message)
        if kept.get("role") == "assistant" and (native or reply.chat.calls is None):
            message = kept
    return message


def _tool(function: Function) -> dict[str, Any]:
    return {
        "type": "function",
        "function": {
            "name": function.name,
            "description": function.description,
            "parameters": dict(function.parameters),
        },
    }
