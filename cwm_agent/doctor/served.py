"""What served models need: servers that answer and have the model, and its tokenizer here.

A model behind a chat API needs the servers, and their key.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from cwm_agent.config.layers import API_KEY
from cwm_agent.config.settings import Settings
from cwm_agent.doctor.check import Check
from cwm_agent.errors import CwmAgentError
from cwm_agent.policies.chat.provider import ChatModel, api_key, chat_model

if TYPE_CHECKING:  # loaded when servers are asked
    from cwm_agent.policies.endpoint.transport import Served

SECONDS = 10.0
KEY_REFUSED = (401, 403)
SHOWN = 8
"""Names of models in one finding."""


class Listing(Protocol):
    """What is asked of each API."""

    async def models(self, url: str) -> tuple[Served, ...]:
        """What a server offers."""

    async def close(self) -> None:
        """End all connections."""


def model(settings: Settings) -> list[Check] | None:
    """What the model needs that other processes serve; None for a model of this process."""
    if named := chat_model(settings.model):
        return servers(settings, named)
    if settings.endpoint.urls is None:
        return None
    return [*servers(settings), tokenizer(settings)]


def servers(settings: Settings, named: ChatModel | None = None) -> list[Check]:
    """Each server; `named` is a model behind a chat API.

    One that is away fails only when no other is there.
    """
    urls = named.urls(settings.endpoint.urls) if named else settings.endpoint.urls or ()
    checks = asyncio.run(_ask_all(urls, settings, named))
    if any(check.status == "ok" for check in checks):
        return [replace(c, status="warn") if c.status == "fail" else c for c in checks]
    return checks


def tokenizer(settings: Settings) -> Check:
    """The folder with the tokenizer and the shape of the served model."""
    if settings.model is None:
        remedy = "set `model` to a folder with the served model's tokenizer and config.json"
        return Check("tokenizer", "fail", "none is configured", remedy)
    from cwm_agent.errors import NotReadyError
    from cwm_agent.policies.choose import find_checkpoint
    from model.checkpoint.layouts import read_shape
    from model.errors import ModelError
    from model.text.tokenizer import Tokenizer

    try:
        folder = find_checkpoint(settings.model)
        context, size = read_shape(folder).context, Tokenizer.from_folder(folder).size
    except (NotReadyError, ModelError, OSError) as error:
        remedy = "copy tokenizer and config.json of the served model into that folder"
        return Check("tokenizer", "fail", str(error), remedy)
    return Check("tokenizer", "ok", f"{folder}, {size:,} tokens, context {context:,}")


async def _ask_all(urls: Sequence[str], settings: Settings, named: ChatModel | None) -> list[Check]:
    from cwm_agent.policies.chat.policy import api_of
    from cwm_agent.policies.endpoint.completions import CompletionsApi
    from cwm_agent.policies.endpoint.connections import open_client

    wanted = settings.endpoint
    provider = named.provider if named and wanted.urls is None else None
    try:
        key = api_key(wanted.key_file, provider)
        api: Listing = (
            api_of(named, urls, SECONDS, key, {})
            if named
            else CompletionsApi(open_client(urls, SECONDS, key))
        )
    except CwmAgentError as error:
        return [Check("server", "fail", str(error), "correct the settings of `endpoint`")]
    name = (named.name or None) if named else wanted.model
    try:
        return list(await asyncio.gather(*(_ask(api, url, name, named) for url in urls)))
    finally:
        await api.close()


async def _ask(api: Listing, url: str, wanted: str | None, named: ChatModel | None) -> Check:
    from cwm_agent.policies.endpoint.client import NO_LIST
    from cwm_agent.policies.endpoint.transport import (
        BadRequestError,
        ServerBusyError,
        ServerGoneError,
    )
    from cwm_agent.policies.errors import RefusedError

    try:
        offered = await api.models(url)
    except (ServerGoneError, ServerBusyError) as error:
        return Check("server", "fail", str(error), "start it, or take it out of endpoint.urls")
    except BadRequestError as error:
        if error.status in KEY_REFUSED:
            return Check("server", "fail", str(error), f"set {API_KEY} or endpoint.key_file")
        if named and named.name and error.status in NO_LIST:
            remedy = "`cwm-agent chat` shows whether the model answers"
            return Check("server", "warn", f"{url} does not list its models", remedy)
        return Check("server", "fail", str(error), "correct endpoint.urls")
    except RefusedError as error:
        return Check("server", "fail", str(error), "correct endpoint.urls")
    return _judged(url, [model.name for model in offered], wanted, named)


def _judged(url: str, offered: list[str], wanted: str | None, named: ChatModel | None) -> Check:
    """Whether the server has the model. The list of a chat API may leave some out."""
    if offered and wanted in (None, *offered):
        more = f" and {len(offered) - SHOWN} more" if len(offered) > SHOWN else ""
        first = [wanted] if wanted else []
        shown = [*first, *(name for name in offered if name != wanted)][:SHOWN]
        return Check("server", "ok", f"{url} offers {', '.join(shown)}{more}")
    names = ", ".join(offered[:SHOWN]) or "nothing"
    found = f"{url} offers {names}" + (f", not {wanted}" if wanted else "")
    if named:
        remedy = "name one of them after the colon of `model`"
        return Check("server", "warn" if wanted else "fail", found, remedy)
    return Check("server", "fail", found, "set endpoint.model to a model that it offers")
