"""What all APIs of servers have in common: their models, their errors, their event streams.

Source of the formats: the API reference of OpenAI (models, errors, streaming), and what vLLM,
llama.cpp, Mistral and OpenRouter add to a model's entry.
"""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any, Protocol, TypeVar

import httpx

from cwm_agent.parsing import parse_json
from cwm_agent.policies.errors import RefusedError

DONE = "[DONE]"
_LINE_END = re.compile(rb"\r\n|\n|\r(?!\Z)")
"""A CR at the very end of what has come may be half of a CRLF."""
SHOWN = 300
"""Characters of a server's own words in our errors."""
_SPENT = ("insufficient_quota", "billing_hard_limit_reached")
"""Codes of a 429 that waiting does not help against."""
_CONTEXT_KEYS = ("max_model_len", "context_length", "max_context_length", "context_window")
"""Under which a list of models says how long a conversation may be."""


class ServerGoneError(Exception):
    """The server does not answer, broke off, or failed: another one may do better."""


class ServerFailedError(ServerGoneError):
    """The server answered, with a status 5xx."""


class ServerBusyError(Exception):
    """The server asks to come back later, after `seconds` where it names a time."""

    def __init__(self, text: str, seconds: float | None) -> None:
        super().__init__(text)
        self.seconds = seconds


class BadRequestError(RefusedError):
    """A request was refused with a status 4xx; `words` are the server's own, `code` its code."""

    def __init__(self, text: str, status: int, words: str, code: str) -> None:
        super().__init__(text)
        self.status = status
        self.words = words
        self.code = code


@dataclass(frozen=True, slots=True)
class Served:
    """A model that a server offers. `context` is None where it does not say.

    `text_calls`: the server says that its model has our text grammar, and takes messages as
    the model reads them (`cwm-agent serve`).
    """

    name: str
    context: int | None
    text_calls: bool = False


class Counted(Protocol):
    """A part of an answer. Counts are None where nothing is said of them."""

    @property
    def prompt_tokens(self) -> int | None:
        """Tokens of the whole prompt."""

    @property
    def cached_tokens(self) -> int | None:
        """Those of them that the server had in its cache."""


Wanted_contra = TypeVar("Wanted_contra", contravariant=True)
Piece_co = TypeVar("Piece_co", bound=Counted, covariant=True)


class Api(Protocol[Wanted_contra, Piece_co]):
    """One way to talk to servers. All raise ServerGoneError, ServerBusyError and RefusedError."""

    async def models(self, url: str) -> tuple[Served, ...]:
        """What the server offers."""

    def pieces(self, url: str, model: str, wanted: Wanted_contra) -> AsyncGenerator[Piece_co, None]:
        """An answer as it comes; a caller that has enough closes the iterator."""

    async def close(self) -> None:
        """End all connections."""


async def models(client: httpx.AsyncClient, url: str) -> tuple[Served, ...]:
    """What the server offers; raises ServerGoneError, ServerBusyError, RefusedError."""
    async with heard(url):
        response = await client.get(f"{url}/models")
        check(url, response)
        listed = parse_json(response.content)["data"]
        return tuple(
            Served(str(entry["id"]), _context(entry), entry.get("text_tool_calls") is True)
            for entry in listed
        )


async def events(
    client: httpx.AsyncClient,
    url: str,
    path: str,
    body: Mapping[str, object],
    headers: Callable[[Mapping[str, str]], None] | None = None,
) -> AsyncGenerator[dict[str, Any], None]:
    """The events of an answer, or the whole of one that does not stream.

    `headers` gets those of the response. Raises ServerGoneError, ServerBusyError,
    RefusedError. A caller that has enough closes the iterator: the server then
    hears that nobody listens any more.
    """
    async with heard(url), client.stream("POST", f"{url}{path}", json=body) as response:
        if response.status_code != HTTPStatus.OK:
            await response.aread()
        check(url, response)
        if headers is not None:
            headers(response.headers)
        if "json" in response.headers.get("content-type", ""):  # it does not stream
            await response.aread()
            yield _event(url, response.content)
            return
        if "html" in response.headers.get("content-type", ""):
            raise ValueError("it answers with a web page")
        async for line in _lines(response):
            name, _, data = line.partition(":")
            if name != "data":
                continue  # a comment that keeps the connection alive
            if data.strip() == DONE:
                return
            try:
                yield _event(url, data)
            except ValueError as error:  # where a connection just ends, half a line may be left
                raise ServerGoneError(f"{url} cut its answer short") from error
    raise ServerGoneError(f"{url} cut its answer short")


@asynccontextmanager
async def heard(url: str) -> AsyncIterator[None]:
    """Names what can happen on the way."""
    try:
        yield
    except httpx.TimeoutException as error:
        raise ServerGoneError(f"{url} is silent ({type(error).__name__})") from error
    except httpx.RequestError as error:
        raise ServerGoneError(f"{url}: {error or type(error).__name__}") from error
    except (ValueError, LookupError, TypeError, AttributeError, httpx.InvalidURL) as error:
        raise RefusedError(
            f"{url} does not speak the OpenAI API as it should ({error!r}); check the URL, which "
            "usually ends in /v1"
        ) from error


def check(url: str, response: httpx.Response) -> None:
    """Raise what the status of a response means."""
    if response.status_code != HTTPStatus.OK:
        words, code = _said(response)
        if response.has_redirect_location:
            words += f"; it points to {response.headers['location'][:SHOWN]}: name that URL"
        refuse(url, response.status_code, words, code, response.headers)


def refuse(url: str, status: int, words: str, code: str, headers: Mapping[str, str]) -> None:
    """Raise what a status other than 200 means."""
    said = f"{url}: {status} {words[:SHOWN]}"
    seconds = retry_after(headers)
    if status == HTTPStatus.TOO_MANY_REQUESTS and code not in _SPENT:
        raise ServerBusyError(said, seconds)
    if status == HTTPStatus.SERVICE_UNAVAILABLE and seconds is not None:
        raise ServerBusyError(said, seconds)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.REQUEST_TIMEOUT:
        raise ServerFailedError(said)
    remedies: dict[int, str] = {
        HTTPStatus.UNAUTHORIZED: "put the server's key into the variable CWM_AGENT_API_KEY",
        HTTPStatus.FORBIDDEN: "put the server's key into the variable CWM_AGENT_API_KEY",
        HTTPStatus.PAYMENT_REQUIRED: "look at the account that the key belongs to",
        HTTPStatus.TOO_MANY_REQUESTS: "look at the account that the key belongs to",
        HTTPStatus.NOT_FOUND: "check the URL (it usually ends in /v1) and the model's name",
    }
    remedy = remedies.get(status, "compare limits.context_tokens with what the server can hold")
    raise BadRequestError(f"{said}; {remedy}", status, words, code)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait, from a number or a date (RFC 9110, section 10.2.3); None for neither."""
    text = headers.get("retry-after", "").strip()
    if text.isdecimal():
        return float(text)
    try:
        return max(0.0, (parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return None


def text(value: object) -> str:
    """A text that a server may leave out; raises TypeError for anything else."""
    if value is None:
        return ""
    if not isinstance(value, str):
        raise TypeError(f"{value!r:.80} where a text belongs")
    return value


def count(values: Mapping[str, object], key: str) -> int | None:
    """A number that a server may leave out; raises TypeError for anything else."""
    value = values.get(key)
    if value is not None and (not isinstance(value, int) or isinstance(value, bool) or value < 0):
        raise TypeError(f"{key} is {value!r:.80}, where a number belongs")
    return value


def _said(response: httpx.Response) -> tuple[str, str]:
    """The server's own words, and its code or type of error."""
    try:
        found = parse_json(response.content)["error"]
        told = found["message"] if isinstance(found, dict) else found
        code = (found.get("code") or found.get("type")) if isinstance(found, dict) else None
    except (ValueError, KeyError, TypeError):
        told, code = response.text, None
    return " ".join(str(told).split()), str(code or "")


def _context(entry: Mapping[str, Any]) -> int | None:
    """The longest conversation of a model, by whichever name the server has for it."""
    meta = entry.get("meta")
    if isinstance(meta, dict) and (found := count(meta, "n_ctx")):  # llama.cpp
        return found
    return next((found for key in _CONTEXT_KEYS if (found := count(entry, key))), None)


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


def _event(url: str, data: str | bytes) -> dict[str, Any]:
    """One event; raises ServerGoneError for one that tells of an error, ValueError for no JSON."""
    event: dict[str, Any] = parse_json(data)
    if error := event.get("error"):
        told = error.get("message", error) if isinstance(error, dict) else error
        raise ServerGoneError(f"{url}: {str(told)[:SHOWN]}")
    return event
