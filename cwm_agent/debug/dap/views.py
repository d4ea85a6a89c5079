"""Moments as the protocol shows them: frames, scopes, variables."""

from __future__ import annotations

from typing import Any

from cwm_agent.debug.core.debugger import Debugger
from cwm_agent.debug.core.expressions import UnknownValueError, literal

THREAD = 1
CAPABILITIES: dict[str, Any] = {
    "supportsConfigurationDoneRequest": True,
    "supportsStepBack": True,
    "supportsSetVariable": True,
    "supportsConditionalBreakpoints": True,
    "supportsEvaluateForHovers": True,
    "supportsRestartRequest": True,
    "supportsExceptionInfoRequest": True,
    "supportsTerminateRequest": True,
}


def stack(debugger: Debugger, path: str) -> list[dict[str, Any]]:
    """The running function first; ids are places from the bottom, from 1."""
    found = []
    for place, scope in reversed(list(enumerate(debugger.here.scopes, 1))):
        found.append(
            {
                "id": place,
                "name": scope.function,
                "line": scope.line or 0,
                "column": 1,
                "source": {"name": path.rsplit("/", 1)[-1], "path": path},
                "presentationHint": "normal" if debugger.here.allowed else "subtle",
            }
        )
    return found


def scopes(debugger: Debugger, frame: int) -> list[dict[str, Any]]:
    """One: the locals, named after how they are known."""
    if not 1 <= frame <= len(debugger.here.scopes):
        return []
    return [
        {
            "name": "Locals (predicted)",
            "presentationHint": "locals",
            "variablesReference": frame,
            "namedVariables": len(debugger.here.scopes[frame - 1].locals),
            "expensive": False,
        }
    ]


def variables(debugger: Debugger, frame: int) -> list[dict[str, Any]]:
    """The locals of a frame; the type tells how sure the prediction is."""
    if not 1 <= frame <= len(debugger.here.scopes):
        return []
    scope = debugger.here.scopes[frame - 1]
    said = debugger.node.prediction
    top = frame == len(debugger.here.scopes)
    sure = said.confidence.variables if said is not None and top else {}
    return [
        {
            "name": name,
            "value": "(never shown)" if name in scope.unknown else value,
            "type": kind(value) + (f" p={sure[name]:.2f}" if name in sure else ""),
            "evaluateName": name,
            "variablesReference": 0,
            "presentationHint": {"kind": "data"},
        }
        for name, value in scope.locals.items()
    ]


def kind(value: str) -> str:
    """The name of a written value's type, `object` where it is no literal."""
    try:
        return type(literal(value)).__name__
    except UnknownValueError:
        return "object"
