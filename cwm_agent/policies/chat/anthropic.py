"""Anthropic's Messages, through the vendor's own client library (the extra `anthropic`).

Source of the formats: Anthropic's API reference (messages, streaming, tool use, errors).
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from typing import TYPE_CHECKING, Any

from cwm_agent.errors import UsageError
from cwm_agent.parsing import parse_json
from cwm_agent.policies.chat.blocks import Blocks
from cwm_agent.policies.chat.habits import Habits
from cwm_agent.policies.chat.request import ChatPiece, ChatRequest
from cwm_agent.policies.endpoint.connections import CONNECT_SECONDS, WRITE_SECONDS, proxy_for
from cwm_agent.policies.endpoint.transport import BadRequestError, Served, ServerGoneError, refuse
from cwm_agent.policies.errors import RefusedError
from results.records import Message, Reply
from tools.native import Function
from tools.parsing import CLOSE

if TYPE_CHECKING:  # an extra: loaded when such a model is opened
    import anthropic
    import anthropic.types


class MessagesApi:
    """See `cwm_agent.policies.endpoint.transport.Api`.

    `silence` is how many seconds a server may say nothing; `extra` are further
    parameters of each request. Raises UsageError without the library.
    """

    def __init__(
        self, urls: Sequence[str], silence: float, key: str | None, extra: Mapping[str, Any]
    ) -> None:
        self._extra = dict(extra)
        self._habits: dict[str, Habits] = {}
        self._clients = {url: _client(url, silence, key) for url in urls}

    def habits(self, url: str) -> Habits:
        """What was learnt of a server."""
        return self._habits.setdefault(url, Habits())

    async def models(self, url: str) -> tuple[Served, ...]:
        """What the server offers."""
        async with _heard(url):
            page = await self._clients[url].models.list(limit=1000)
            return tuple(Served(model.id, _context(model)) for model in page.data)

    async def pieces(
        self, url: str, model: str, wanted: ChatRequest
    ) -> AsyncGenerator[ChatPiece, None]:
        """The answer as it comes; also raises ContextFullError."""
        habits, room = self.habits(url), wanted.max_tokens
        while True:
            body = habits.shape(request_body(model, wanted, room))
            try:
                async with aclosing(self._once(url, body)) as pieces:
                    async for piece in pieces:
                        yield piece
                return
            except BadRequestError as refusal:
                room = habits.learn(refusal, body) or room

    async def close(self) -> None:
        """End all connections."""
        for client in self._clients.values():
            await client.close()

    async def _once(self, url: str, body: dict[str, Any]) -> AsyncGenerator[ChatPiece, None]:
        # The library has dropped these; older models and other servers have not.
        others = {key: body[key] for key in ("temperature", "top_p") if key in body} | self._extra
        named = {key: value for key, value in body.items() if key not in others}
        blocks = Blocks()
        async with _heard(url):
            messages = self._clients[url].messages
            async with await messages.create(**named, stream=True, extra_body=others) as stream:
                async for event in stream:
                    blocks.add(event)
                    yield ChatPiece()
            if blocks.stop_reason is None:
                raise ServerGoneError(f"{url} ended its answer without a reason")
            yield ChatPiece(blocks.said(stopped="stop_sequences" in named))


def request_body(model: str, wanted: ChatRequest, max_tokens: int) -> dict[str, Any]:
    """The parameters of a request. The conversation is cached as far as it goes."""
    system, messages = split_system(wanted.history, native=bool(wanted.functions))
    body: dict[str, Any] = {
        "model": model,
        "messages": messages,
        "max_tokens": max_tokens,
        "cache_control": {"type": "ephemeral"},
    }
    if system:
        body["system"] = system
    if wanted.temperature != 1:
        body["temperature"] = wanted.temperature
    if wanted.top_p < 1:
        body["top_p"] = wanted.top_p
    if wanted.functions:
        body["tools"] = [_tool(function) for function in wanted.functions]
        body["tool_choice"] = {"type": "auto", "disable_parallel_tool_use": True}
    elif wanted.stop_after_call:
        body["stop_sequences"] = [CLOSE]
    return body


def split_system(
    history: Sequence[Message | Reply], *, native: bool
) -> tuple[str, list[dict[str, Any]]]:
    """The system prompt, and the rest as messages of blocks, each call with its result."""
    system: list[str] = []
    messages: list[dict[str, Any]] = []
    waiting: list[str] = []
    for entry in history:
        if isinstance(entry, Reply):
            blocks = _assistant(entry, native=native)
            waiting = [block["id"] for block in blocks if block["type"] == "tool_use"]
            _add(messages, "assistant", blocks)
        elif entry.role == "system":
            system.append(entry.text)
        elif waiting:
            results = [
                {"type": "tool_result", "tool_use_id": use, "content": entry.text}
                for use in waiting
            ]
            _add(messages, "user", results)
            waiting = []
        else:
            _add(messages, "user", [{"type": "text", "text": entry.text}])
    return "\n\n".join(system), messages


def _assistant(reply: Reply, *, native: bool) -> list[dict[str, Any]]:
    """The blocks of a reply as they came; of one from elsewhere, its text."""
    if reply.chat is not None and (native or reply.chat.calls is None):
        kept = parse_json(reply.chat.message).get("content")
        if isinstance(kept, list):
            return kept
    return [{"type": "text", "text": reply.text}] if reply.text.strip() else []


def _add(messages: list[dict[str, Any]], role: str, blocks: list[dict[str, Any]]) -> None:
    """Append blocks; those of one role in a row are one message, and none is empty."""
    if messages and messages[-1]["role"] == role:
        messages[-1]["content"] += blocks
    elif blocks:
        messages.append({"role": role, "content": list(blocks)})


def _tool(function: Function) -> dict[str, Any]:
    return {
        "name": function.name,
        "description": function.description,
        "input_schema": dict(function.parameters),
    }


def _context(model: anthropic.types.ModelInfo) -> int | None:
    found = getattr(model, "max_input_tokens", None) or getattr(model, "max_model_len", None)
    return found if isinstance(found, int) else None


def _client(url: str, silence: float, key: str | None) -> anthropic.AsyncAnthropic:
    try:
        import anthropic
    except ModuleNotFoundError as error:
        raise UsageError(
            "models of Anthropic's API need the client library: install cwm-agent[anthropic]"
        ) from error
    timeout = anthropic.Timeout(silence, connect=CONNECT_SECONDS, write=WRITE_SECONDS)
    return anthropic.AsyncAnthropic(
        base_url=url.removesuffix("/v1"),  # the library adds it
        api_key=key or "none",
        max_retries=0,  # retries are the Asker's
        timeout=timeout,
        http_client=anthropic.DefaultAsyncHttpxClient(
            proxy=proxy_for(url), trust_env=False, timeout=timeout
        ),
    )


@asynccontextmanager
async def _heard(url: str) -> AsyncIterator[None]:
    """Names what can happen on the way."""
    import anthropic

    try:
        yield
    except anthropic.APIStatusError as error:
        status = error.status_code
        if status < 400:  # an error in the middle of a stream
            raise ServerGoneError(f"{url}: {error.message}") from error
        code = getattr(error, "type", None) or ""
        refuse(url, status, _words(error), str(code), error.response.headers)
    except anthropic.APIConnectionError as error:
        raise ServerGoneError(f"{url}: {error.__cause__ or error}") from error
    except anthropic.APIError as error:
        raise ServerGoneError(f"{url}: {error.message}") from error
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise RefusedError(
            f"{url} does not speak Anthropic's Messages API as it should ({error!r}); check the URL"
        ) from error


def _words(error: anthropic.APIStatusError) -> str:
    body = error.body
    found = body.get("error", body) if isinstance(body, dict) else body
    told = found.get("message", found) if isinstance(found, dict) else found
    return " ".join(str(told or error.message).split())
