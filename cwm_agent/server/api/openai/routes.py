"""The paths of OpenAI's older protocols, and of vLLM's for token ids."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import Response

from cwm_agent.server.api.openai.chat import ChatAnswer
from cwm_agent.server.api.openai.completions import TextAnswer, prompt_count
from cwm_agent.server.api.openai.fields import ChatRequest, CompletionRequest
from cwm_agent.server.api.openai.messages import wanted_of
from cwm_agent.server.api.replies import Replies
from cwm_agent.server.service import Service


def openai_routes(service: Service, replies: Replies) -> APIRouter:
    """/v1/chat/completions and /v1/completions."""
    router = APIRouter(prefix="/v1")

    @router.post("/chat/completions", summary="Answer a conversation.")
    async def chat(body: ChatRequest, request: Request) -> Response:
        service.require_model(body.model)
        wanted, answer = wanted_of(body, replies.job(request)), ChatAnswer(body, service)
        if body.stream:
            return await replies.streamed(request, answer.chunks(wanted), wanted.n)
        return await replies.whole(request, answer.whole(wanted), wanted.n)

    @router.post("/completions", summary="Continue a text or a list of token ids.")
    async def complete(body: CompletionRequest, request: Request) -> Response:
        service.require_model(body.model)
        answer = TextAnswer(body, service, replies.job(request))
        count = (body.n or 1) * prompt_count(body)
        if body.stream:
            return await replies.streamed(request, answer.chunks(), count)
        return await replies.whole(request, answer.whole(), count)

    return router
