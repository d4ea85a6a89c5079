"""Whether a sandbox is lost, and whether the action cost it."""

from __future__ import annotations

from collections.abc import Sequence

from envs.failures import FAILURES, SUSPECT
from results.records import (
    Ended,
    Event,
    Observed,
)
from tools.workspace import Cause, CommandResult


def breakdown(command: CommandResult | None) -> Cause | None:
    """Why the sandbox can be used no longer; None where the command's failure is its own."""
    if command is None:
        return None
    cause = command.cause or ("container_gone" if command.ending == "lost" else None)
    if cause is None or FAILURES[cause].blame == "agent":
        return None
    return cause


def lost_at_this_turn(events: Sequence[Event]) -> bool:
    """Whether the last sandbox was lost, as by an action, since the last completed turn."""
    for event in reversed(events):
        if isinstance(event, Observed):
            return False
        if isinstance(event, Ended) and event.cause in SUSPECT:
            return True
    return False
