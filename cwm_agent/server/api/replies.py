"""How an answer becomes an HTTP response, and an error one too."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator, Coroutine, Mapping
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from cwm_agent.server.api.sse import (
    CLIENT_LEFT,
    ClientLeftError,
    event,
    stream,
    to_json,
    while_connected,
)
from cwm_agent.server.errors import RequestError
from cwm_agent.server.guard.admission import Admission
from cwm_agent.server.guard.wording import error_body, is_anthropic


class Replies:
    """Answers within the limits of `admission`."""

    def __init__(self, admission: Admission, keep_alive: float) -> None:
        self.admission = admission
        self._keep_alive = keep_alive

    @staticmethod
    def job(request: Request) -> str:
        """A name for who asks."""
        return str(getattr(request.state, "job", ""))

    async def whole(
        self, request: Request, work: Coroutine[Any, Any, Mapping[str, Any]], count: int = 1
    ) -> Response:
        """An answer in one piece; raises RequestError."""
        try:
            with self.admission.place(self.job(request), count):
                return json_response(await while_connected(request, work))
        finally:
            work.close()

    async def streamed(
        self, request: Request, events: AsyncGenerator[bytes, None], count: int = 1
    ) -> Response:
        """An answer as it comes; raises RequestError."""
        path = request.url.path

        def told(error: Exception) -> bytes | None:
            if not isinstance(error, RequestError):
                return None
            body = error_body(path, error.status, str(error), error.code, error.param)
            return event(body, "error" if is_anthropic(path) else None)

        return await stream(self._counted(request, events, count), told, self._keep_alive)

    async def _counted(
        self, request: Request, events: AsyncGenerator[bytes, None], count: int
    ) -> AsyncGenerator[bytes, None]:
        async with contextlib.aclosing(events):
            with self.admission.place(self.job(request), count):
                async for data in events:
                    yield data


def json_response(data: Mapping[str, Any], status: int = 200) -> Response:
    """JSON."""
    return Response(to_json(data), status, media_type="application/json")


def add_error_handlers(app: FastAPI) -> None:
    """Every error in the words of the protocol; none says what this machine looks like inside."""

    def answer(request: Request, error: RequestError) -> Response:
        body = error_body(request.url.path, error.status, str(error), error.code, error.param)
        response = json_response(body, error.status)
        if error.seconds is not None:
            response.headers["Retry-After"] = str(error.seconds)
        return response

    @app.exception_handler(RequestError)
    async def refused(request: Request, error: RequestError) -> Response:
        return answer(request, error)

    @app.exception_handler(RequestValidationError)
    async def malformed(request: Request, error: RequestValidationError) -> Response:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"] if part != "body")
        text = f"{where}: {first['msg']}" if where else str(first["msg"])
        return answer(request, RequestError(text, param=where or None, code="invalid_value"))

    @app.exception_handler(HTTPException)
    async def unknown(request: Request, error: HTTPException) -> Response:
        found = RequestError(str(error.detail), status=error.status_code)
        response = answer(request, found)
        response.headers.update(error.headers or {})
        return response

    @app.exception_handler(ClientLeftError)
    async def left(_request: Request, _error: ClientLeftError) -> Response:
        return Response(status_code=CLIENT_LEFT)

    @app.exception_handler(Exception)
    async def unexpected(request: Request, _error: Exception) -> Response:
        return answer(request, RequestError("the server failed", status=500, code="internal_error"))
