"""One request to an OpenAI-compatible server: token ids go out, pieces of the answer come back.

The prompt is a list of token ids, so this program's chat format stays the only
one. Servers that know `return_token_ids` (vLLM, SGLang) answer in ids as well;
of others only the text is known. Source of the formats: the API reference of
OpenAI (completions, streaming) and vLLM's extra parameters.
"""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any

import httpx

from cwm_agent.parsing import parse_json
from cwm_agent.policies.errors import RefusedError

DONE = "[DONE]"
_LINE_END = re.compile(rb"\r\n|\n|\r(?!\Z)")
"""A CR at the very end of what has come may be half of a CRLF."""
SHOWN = 300
"""Characters of a server's own words in our errors."""


class ServerGoneError(Exception):
    """The server does not answer, broke off, or failed: another one may do better."""


class ServerBusyError(Exception):
    """The server asks to come back later, after `seconds` where it names a time."""

    def __init__(self, text: str, seconds: float | None) -> None:
        super().__init__(text)
        self.seconds = seconds


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


@dataclass(frozen=True, slots=True)
class Served:
    """A model that a server offers. `context` is None where it does not say."""

    name: str
    context: int | None


async def models(client: httpx.AsyncClient, url: str) -> tuple[Served, ...]:
    """What the server offers; raises ServerGoneError, ServerBusyError, RefusedError."""
    async with _heard(url):
        response = await client.get(f"{url}/models")
        _check(url, response)
        listed = parse_json(response.content)["data"]
        return tuple(Served(str(entry["id"]), _count(entry, "max_model_len")) for entry in listed)


async def complete(
    client: httpx.AsyncClient, url: str, body: dict[str, object]
) -> AsyncGenerator[Piece, None]:
    """The answer as it comes; raises ServerGoneError, ServerBusyError, RefusedError.

    A caller that has enough closes the iterator: the server then hears that
    nobody listens any more.
    """
    async with _heard(url), client.stream("POST", f"{url}/completions", json=body) as response:
        if response.status_code != HTTPStatus.OK:
            await response.aread()
        _check(url, response)
        if "json" in response.headers.get("content-type", ""):  # it does not stream
            await response.aread()
            yield _piece(url, parse_json(response.content))
            return
        if "html" in response.headers.get("content-type", ""):
            raise ValueError("it answers with a web page")
        async for line in _lines(response):
            name, _, data = line.partition(":")
            if name != "data":
                continue  # a comment that keeps the connection alive
            if data.strip() == DONE:
                return
            yield _piece(url, _event(url, data))
    raise ServerGoneError(f"{url} cut its answer short")


async def _lines(response: httpx.Response) -> AsyncIterator[str]:
    """The lines of an event stream, in UTF-8.

    They end with CR, LF or both (HTML Living Standard, section 9.2.5). httpx's own
    `aiter_lines` also breaks at U+2028 and its like, which JSON may hold as they are.
    """
    rest = b""
    async for piece in response.aiter_bytes():
        *whole, rest = _LINE_END.split(rest + piece)
        for line in whole:
            yield line.decode("utf-8", "replace")
    if rest:
        yield rest.decode("utf-8", "replace")


@asynccontextmanager
async def _heard(url: str) -> AsyncIterator[None]:
    """Names what can happen on the way."""
    try:
        yield
    except httpx.TimeoutException as error:
        raise ServerGoneError(f"{url} is silent ({type(error).__name__})") from error
    except httpx.RequestError as error:
        raise ServerGoneError(f"{url}: {error or type(error).__name__}") from error
    except (ValueError, LookupError, TypeError, AttributeError, httpx.InvalidURL) as error:
        raise RefusedError(
            f"{url} does not speak the OpenAI completions API ({error!r}); check the URL, which "
            "usually ends in /v1"
        ) from error


def _check(url: str, response: httpx.Response) -> None:
    """Raise what the status of a response means."""
    status = response.status_code
    if status == HTTPStatus.OK:
        return
    said = f"{url}: {status} {_message(response)}"
    seconds = _retry_after(response)
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        raise ServerBusyError(said, seconds)
    if status == HTTPStatus.SERVICE_UNAVAILABLE and seconds is not None:
        raise ServerBusyError(said, seconds)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.REQUEST_TIMEOUT:
        raise ServerGoneError(said)
    remedies: dict[int, str] = {
        HTTPStatus.UNAUTHORIZED: "put the server's key into the variable CWM_AGENT_API_KEY",
        HTTPStatus.FORBIDDEN: "put the server's key into the variable CWM_AGENT_API_KEY",
        HTTPStatus.NOT_FOUND: "check the URL (it usually ends in /v1) and endpoint.model",
    }
    if response.has_redirect_location:
        raise RefusedError(
            f"{said}; it points to {response.headers['location'][:SHOWN]}: name that URL"
        )
    remedy = remedies.get(status, "compare limits.context_tokens with what the server can hold")
    raise RefusedError(f"{said}; {remedy}")


def _message(response: httpx.Response) -> str:
    """The server's own words."""
    try:
        found = parse_json(response.content)["error"]
        text = found["message"] if isinstance(found, dict) else found
    except (ValueError, KeyError, TypeError):
        text = response.text
    return " ".join(str(text).split())[:SHOWN]


def _retry_after(response: httpx.Response) -> float | None:
    """Seconds to wait, from a number or a date (RFC 9110, section 10.2.3); None for neither."""
    text = response.headers.get("retry-after", "").strip()
    if text.isdecimal():
        return float(text)
    try:
        return max(0.0, (parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return None


def _event(url: str, data: str) -> dict[str, Any]:
    """One event of a stream; where a connection just ends, the last line may be half a one."""
    try:
        event: dict[str, Any] = parse_json(data)
    except ValueError as error:
        raise ServerGoneError(f"{url} cut its answer short") from error
    return event


def _piece(url: str, event: dict[str, Any]) -> Piece:
    if error := event.get("error"):
        text = error.get("message", error) if isinstance(error, dict) else error
        raise ServerGoneError(f"{url}: {str(text)[:SHOWN]}")
    usage = event.get("usage") or {}
    details = usage.get("prompt_tokens_details") or {}
    choice: dict[str, Any] = next(iter(event["choices"]), {})
    ids = choice.get("token_ids")
    return Piece(
        text="" if choice.get("text") is None else _text(choice["text"]),
        ids=None if ids is None else tuple(map(int, ids)),
        finish=None if choice.get("finish_reason") is None else _text(choice["finish_reason"]),
        prompt_tokens=_count(usage, "prompt_tokens"),
        cached_tokens=_count(details, "cached_tokens"),
    )


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r:.80} where a text belongs")
    return value


def _count(values: Mapping[str, object], key: str) -> int | None:
    """A number that a server may leave out."""
    value = values.get(key)
    if value is not None and (not isinstance(value, int) or isinstance(value, bool) or value < 0):
        raise TypeError(f"{key} is {value!r:.80}, where a number belongs")
    return value
