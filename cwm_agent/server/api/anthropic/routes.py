"""The paths of Anthropic's protocol."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import Response

from cwm_agent.server.api.anthropic.answer import MessageAnswer
from cwm_agent.server.api.anthropic.conversation import wanted_of
from cwm_agent.server.api.anthropic.fields import CountRequest, MessagesRequest
from cwm_agent.server.api.replies import Replies, json_response
from cwm_agent.server.service import Service


def anthropic_routes(service: Service, replies: Replies) -> APIRouter:
    """/v1/messages and /v1/messages/count_tokens."""
    router = APIRouter(prefix="/v1/messages")

    @router.post("", summary="Answer a conversation.")
    async def messages(body: MessagesRequest, request: Request) -> Response:
        wanted, answer = wanted_of(body, replies.job(request)), MessageAnswer(service)
        if body.stream:
            return await replies.streamed(request, answer.events(wanted))
        return await replies.whole(request, answer.whole(wanted))

    @router.post("/count_tokens", summary="How many tokens a conversation has.")
    async def count(body: CountRequest, request: Request) -> Response:
        rendered, _ = await service.render(wanted_of(body, replies.job(request)))
        return json_response({"input_tokens": len(rendered.prompt)})

    return router
