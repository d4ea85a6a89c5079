"""/tokenize and /detokenize, as vLLM has them."""

from __future__ import annotations

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
        if body.prompt is not None:
            ids = service.encoded(body.prompt).tolist()
            if body.add_special_tokens is False:
                ids = service.tokenizer.encode_text(body.prompt)
        elif body.messages:
            chat = ChatRequest(
                messages=body.messages,
                tools=body.tools,
                chat_template_kwargs=body.chat_template_kwargs,
            )
            rendered, _ = await service.render(wanted_of(chat, replies.job(request)))
            ids = rendered.prompt.tolist()
        else:
            raise RequestError("give a prompt or messages", param="prompt")
        found: Json = {"tokens": ids, "count": len(ids), "max_model_len": service.hello.context}
        if body.return_token_strs:
            one = service.tokenizer
            found["token_strs"] = [one.decode([token], specials=True) for token in ids]
        return json_response(found)

    @router.post("/detokenize", summary="The text of token ids.")
    async def detokenize(body: DetokenizeRequest) -> Response:
        service.require_model(body.model)
        return json_response({"prompt": service.tokenizer.decode(body.tokens, specials=True)})

    return router
