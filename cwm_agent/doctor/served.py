"""What served models need: servers that answer and have the model, and its tokenizer here."""

from __future__ import annotations

import asyncio
import os
from dataclasses import replace
from typing import TYPE_CHECKING

from cwm_agent.config.layers import API_KEY
from cwm_agent.config.settings import EndpointSettings, Settings
from cwm_agent.doctor.check import Check

if TYPE_CHECKING:  # loaded when servers are asked
    import httpx

SECONDS = 10.0


def servers(settings: Settings) -> list[Check]:
    """Each server of `endpoint.urls`. One that is away fails only when no other is there."""
    checks = asyncio.run(_ask_all(settings.endpoint))
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


async def _ask_all(settings: EndpointSettings) -> list[Check]:
    from cwm_agent.errors import NotReadyError
    from cwm_agent.policies.endpoint.connections import open_client

    urls = settings.urls or ()
    try:
        client = open_client(urls, SECONDS, os.environ.get(API_KEY))
    except NotReadyError as error:
        return [Check("server", "fail", str(error))]
    async with client:
        return list(await asyncio.gather(*(_ask(client, url, settings.model) for url in urls)))


async def _ask(client: httpx.AsyncClient, url: str, wanted: str | None) -> Check:
    from cwm_agent.policies.endpoint.transport import ServerBusyError, ServerGoneError, models
    from cwm_agent.policies.errors import RefusedError

    try:
        offered = await models(client, url)
    except (ServerGoneError, ServerBusyError) as error:
        return Check("server", "fail", str(error), "start it, or take it out of endpoint.urls")
    except RefusedError as error:
        return Check("server", "fail", str(error), "correct endpoint.urls")
    names = ", ".join(model.name for model in offered) or "nothing"
    if not any(wanted in (None, model.name) for model in offered):
        remedy = "set endpoint.model to a model that it offers"
        return Check("server", "fail", f"{url} offers {names}, not {wanted}", remedy)
    return Check("server", "ok", f"{url} offers {names}")
