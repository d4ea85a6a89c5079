"""The application: all paths behind the guard."""

from __future__ import annotations

from fastapi import FastAPI

from cwm_agent import __version__
from cwm_agent.server.api.anthropic.routes import anthropic_routes
from cwm_agent.server.api.openai.routes import openai_routes
from cwm_agent.server.api.replies import Replies, add_error_handlers
from cwm_agent.server.api.responses.routes import responses_routes
from cwm_agent.server.api.responses.store import ResponseStore
from cwm_agent.server.api.status import status_routes
from cwm_agent.server.api.tokens import token_routes
from cwm_agent.server.guard.admission import Admission
from cwm_agent.server.guard.middleware import Guard
from cwm_agent.server.service import Service


def make_app(service: Service, admission: Admission) -> FastAPI:
    """The ASGI application of one service."""
    options = service.options
    app = FastAPI(
        title="cwm-agent",
        version=__version__,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    stored = ResponseStore(options.stored_responses, options.memory)
    replies = Replies(admission, options.keep_alive_seconds)
    app.include_router(status_routes(service, admission))
    app.include_router(openai_routes(service, replies))
    app.include_router(responses_routes(service, replies, stored))
    app.include_router(anthropic_routes(service, replies))
    app.include_router(token_routes(service, replies))
    add_error_handlers(app)
    app.add_middleware(
        Guard,
        keys=options.keys,
        hosts=(options.host, *options.hosts),
        origins=options.origins,
        body=options.body,
        seconds=options.receive_seconds,
    )
    return app
