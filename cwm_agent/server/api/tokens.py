"""/tokenize and /detokenize, as vLLM has them."""

from __future__ import annotations

import asyncio
from functools import partial

from fastapi import APIRouter, Request
from fastapi.responses import Response

from cwm_agent.server.api.fields import Json, Lenient, Text, TokenId
from cwm_agent.server.api.openai.fields import ChatMessage, ChatRequest, Tool
from cwm_agent.server.api.openai.messages import wanted_of
from cwm_agent.server.api.replies import Replies, json_response
from cwm_agent.server.errors import RequestError
from cwm_agent.server.service import Service


class TokenizeRequest(Lenient):
    """A text, or a conversation up to the header of its next answer."""

    model: str | None = None
    prompt: Text | None = None
    messages: list[ChatMessage] | None = None
    tools: list[Tool] | None = None
    chat_template_kwargs: Json | None = None
    add_special_tokens: bool | None = None
    return_token_strs: bool | None = None


class DetokenizeRequest(Lenient):
    """Ids."""

    model: str | None = None
    tokens: list[TokenId]


def token_routes(service: Service, replies: Replies) -> APIRouter:
    """Both paths."""
    router = APIRouter()

    @router.post("/tokenize", summary="The token ids of a text or a conversation.")
    async def tokenize(body: TokenizeRequest, request: Request) -> Response:
        service.require_model(body.model)
        with replies.admission.place(replies.job(request)):
            ids = await _ids(service, body, replies.job(request))
        found: Json = {"tokens": ids, "count": len(ids), "max_model_len": service.hello.context}
        if body.return_token_strs:
            one = service.tokenizer
            found["token_strs"] = [one.decode([token], specials=True) for token in ids]
        return json_response(found)

    @router.post("/detokenize", summary="The text of token ids.")
    async def detokenize(body: DetokenizeRequest) -> Response:
        service.require_model(body.model)
        decode = partial(service.tokenizer.decode, specials=True)
        return json_response({"prompt": await asyncio.to_thread(decode, body.tokens)})

    return router


async def _ids(service: Service, body: TokenizeRequest, job: str) -> list[int]:
    """Raises RequestError."""
    if body.prompt is not None:
        begin = body.add_special_tokens is not False
        return (await service.encoded(body.prompt, begin=begin)).tolist()
    if not body.messages:
        raise RequestError("give a prompt or messages", param="prompt")
    chat = ChatRequest(
        messages=body.messages,
        tools=body.tools,
        chat_template_kwargs=body.chat_template_kwargs,
    )
    rendered, _ = await service.render(wanted_of(chat, job))
    return rendered.prompt.tolist()
