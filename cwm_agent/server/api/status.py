"""What is asked about the server itself."""

from __future__ import annotations

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST

from cwm_agent import __version__
from cwm_agent.server.api.fields import Json
from cwm_agent.server.api.replies import json_response
from cwm_agent.server.engine.link import EngineAwayError
from cwm_agent.server.errors import RequestError, away
from cwm_agent.server.guard.admission import Admission
from cwm_agent.server.service import Service


def status_routes(service: Service, admission: Admission) -> APIRouter:
    """Health, version, models and metrics."""
    router = APIRouter()

    @router.head("/", include_in_schema=False)
    @router.get("/", summary="That a server is here.")
    async def root() -> Response:
        return json_response({"object": "server", "version": __version__})

    @router.get("/health", summary="That this process lives and its engine can be expected.")
    @router.get("/ping", include_in_schema=False)
    async def health() -> Response:
        return json_response({"status": "ok", "engine": service.link.state})

    @router.get("/ready", summary="Whether a request would be answered now.")
    async def ready() -> Response:
        if admission.draining:
            raise away("the server is shutting down", 5)
        if service.link.state != "ready":
            raise away("the engine is not ready", 2)
        return json_response({"status": "ready"})

    @router.get("/version", summary="The version of this program.")
    async def version() -> Response:
        return json_response({"version": __version__})

    @router.get("/v1/models", summary="The one model that is served.")
    async def models() -> Response:
        return json_response({"object": "list", "data": [_model(service)]})

    @router.get("/v1/models/{name:path}", summary="The model, if that is its name.")
    async def model(name: str) -> Response:
        if name != service.options.name:
            raise RequestError(
                "there is no such model; /v1/models lists what there is",
                status=404,
                code="model_not_found",
                param="model",
            )
        return json_response(_model(service))

    @router.get("/metrics", summary="Counts and times in Prometheus' format.")
    async def metrics() -> Response:
        try:
            seen = await service.link.look()
        except EngineAwayError:
            seen = None
        text = service.metrics.text(seen, service.link.starts)
        return Response(text, media_type=CONTENT_TYPE_LATEST)

    return router


def _model(service: Service) -> Json:
    hello = service.link.hello
    return {
        "id": service.options.name,
        "object": "model",
        "created": service.created,
        "owned_by": "cwm-agent",
        "root": service.options.name,
        "parent": None,
        "max_model_len": hello.context if hello else None,
        "type": "model",
        "display_name": service.options.name,
        "text_tool_calls": True,
    }
