"""The paths of the protocol of responses."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import Response

from cwm_agent.server.api.replies import Replies, json_response
from cwm_agent.server.api.responses.answer import ResponseAnswer, input_items
from cwm_agent.server.api.responses.conversation import turns_of, wanted_of
from cwm_agent.server.api.responses.fields import ResponsesRequest
from cwm_agent.server.api.responses.store import ResponseStore
from cwm_agent.server.chat.turns import Turn
from cwm_agent.server.service import Service


def responses_routes(service: Service, replies: Replies, store: ResponseStore) -> APIRouter:
    """/v1/responses and what was stored there."""
    router = APIRouter(prefix="/v1/responses")

    @router.post("", summary="Answer a conversation, or go on with a stored one.")
    async def respond(body: ResponsesRequest, request: Request) -> Response:
        service.require_model(body.model)
        job = replies.job(request)
        before: tuple[Turn, ...] = ()
        if body.previous_response_id:
            before = store.get(body.previous_response_id, job, "previous_response_id").turns
        turns = (*before, *turns_of(body.input, before))
        wanted = wanted_of(body, turns, job)
        answer = ResponseAnswer(body, service, store, turns, job)
        if body.stream:
            return await replies.streamed(request, answer.events(wanted))
        return await replies.whole(request, answer.whole(wanted))

    @router.get("/{name}", summary="A stored response.")
    async def stored(name: str, request: Request) -> Response:
        return json_response(store.get(name, replies.job(request)).response)

    @router.delete("/{name}", summary="Forget a stored response.")
    async def delete(name: str, request: Request) -> Response:
        store.delete(name, replies.job(request))
        return json_response({"id": name, "object": "response", "deleted": True})

    @router.get("/{name}/input_items", summary="What a stored response answers.")
    async def items(name: str, request: Request) -> Response:
        found = list(input_items(store.get(name, replies.job(request)).turns[:-1]))
        return json_response({"object": "list", "data": found, "has_more": False})

    return router
