"""Which steps failed, and how: what `!` jumps to and what a list counts."""

from __future__ import annotations

from collections.abc import Mapping

from cwm_agent.view.trajectory.trajectory import Action, Failure

WORDS: Mapping[Failure, str] = {
    "exit": "command failed",
    "malformed": "no valid call",
    "edit": "edit failed",
    "timeout": "timeout",
    "traceback": "traceback",
    "limit": "limit reached",
    "infrastructure": "infrastructure",
    "tool": "tool failed",
}
_LIMITS = ("turn_limit", "token_limit", "time_limit", "LimitsExceeded", "TimeExceeded")
_INFRASTRUCTURE = ("container_gone", "container_paused", "engine_unreachable", "shell_unusable",
                   "sandbox_broken", "host_disk_full")  # fmt: skip
_TAIL = 20_000
_TRACEBACK = "Traceback (most recent call last)"


def failure_of(
    action: Action,
    *,
    ok: bool,
    exit_code: int | None,
    ending: str,
    cause: str,
    observation: str,
    finish: str = "stop",
) -> Failure | None:
    """Why the step counts as failed, or None.

    A traceback counts even where the command exits with 0 (a pipe into `tail`).
    """
    if cause in _INFRASTRUCTURE:
        return "infrastructure"
    if cause == "timeout" or "timeout" in ending or "timed_out" in ending:
        return "timeout"
    if finish == "length":
        return "limit"
    if action.kind == "none":
        return "malformed"
    if not ok and action.kind in ("edit", "create"):
        return "edit"
    if _TRACEBACK in observation[:_TAIL] or _TRACEBACK in observation[-_TAIL:]:
        return "traceback" if action.kind == "bash" else None
    if exit_code:
        return "exit"
    return None if ok else "tool"


def is_limit(exit_reason: str) -> bool:
    """Whether an attempt ended because something ran out."""
    return exit_reason in _LIMITS or (exit_reason.startswith("exit_") and "limit" in exit_reason)
