"""Both ends of `cwm-agent ctl`: words to a request, an answer to a status."""

from __future__ import annotations

from cwm_agent.batch.board import Status
from cwm_agent.batch.control import Answer, Request
from cwm_agent.batch.desk import COMMANDS
from cwm_agent.errors import UsageError
from results.codec import decode


def request_of(action: str, value: str | None, *, now: bool) -> Request:
    """The request that the words of a command line mean; raises UsageError."""
    if action not in COMMANDS:
        raise UsageError(f"ctl knows no {action!r}; say one of {', '.join(COMMANDS)}")
    attempt = "an attempt: INSTANCE or INSTANCE/SAMPLE"
    wants = {"cancel": attempt, "requeue": attempt, "workers": "a number"}
    if (action in wants) != (value is not None):
        raise UsageError(
            f"{action} needs {wants[action]}" if action in wants else f"{action} takes no {value!r}"
        )
    if now and action != "pause":
        raise UsageError("--now goes with pause only")
    if action != "workers":
        return {"command": action, "id": value, "now": now}
    if value is None or not value.isdecimal():
        raise UsageError(f"workers needs a number, not {value!r}")
    return {"command": action, "count": int(value)}


def status_of(answer: Answer) -> Status:
    """The status that came with an answer."""
    return decode(Status, answer["status"])
