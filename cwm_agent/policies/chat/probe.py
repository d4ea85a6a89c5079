"""Whether a model calls functions of its API by itself, found out by asking for one call."""

from __future__ import annotations

from contextlib import aclosing

from cwm_agent.policies.chat.request import ChatPiece, ChatRequest, Said, native_calls
from cwm_agent.policies.endpoint.servers import Server
from cwm_agent.policies.endpoint.transport import Api, BadRequestError, ServerGoneError
from results.records import Message
from tools.native import Function

ASKED = "Call the function `report` with the word ready as its status. Write nothing else."
REPORT = Function(
    "report",
    "Reports a status.",
    {
        "type": "object",
        "properties": {"status": {"type": "string", "description": "One word."}},
        "required": ["status"],
        "additionalProperties": False,
    },
    "[status]",
)
TOKENS = 1024
"""Enough for a model that thinks before it calls."""
TRIES = 2


async def calls_functions(
    api: Api[ChatRequest, ChatPiece], server: Server, temperature: float
) -> tuple[bool, str]:
    """Whether it does, and the evidence in words.

    A server that fails at the request is asked twice. Raises ServerBusyError,
    and RefusedError where it is no matter of functions.
    """
    request = ChatRequest([Message("user", ASKED)], [REPORT], TOKENS, temperature, 1.0, 0, True)
    failure = ""
    for _ in range(TRIES):
        try:
            return _judged(await _answer(api, server, request))
        except BadRequestError as error:
            if not _about_functions(error):
                raise
            return False, f"it refuses functions: {error.words[:200]}"
        except ServerGoneError as error:
            failure = str(error)
    return False, f"it fails when it is given functions: {failure[:200]}"


async def _answer(api: Api[ChatRequest, ChatPiece], server: Server, request: ChatRequest) -> Said:
    async with aclosing(api.pieces(server.url, server.model, request)) as pieces:
        async for piece in pieces:
            if piece.said is not None:
                return piece.said
    raise ServerGoneError(f"{server.url} gave no answer")


def _judged(said: Said) -> tuple[bool, str]:
    calls = native_calls(said.calls, [REPORT])
    if any(call.body for call in calls):
        return True, "asked for a call of a function, it made one"
    names = ", ".join(call.name for call in said.calls)
    instead = f"a call of {names} with other arguments" if names else "text"
    return False, f"asked for a call of a function, it gave {instead}"


def _about_functions(error: BadRequestError) -> bool:
    return "tool" in error.words.lower() or "function" in error.words.lower()
