"""What the exit code of a command means, and which error gives which."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # only a name for the type checker: help must answer at once
    from results.records import ExitReason


class ExitCode(IntEnum):
    """Exit codes of every command."""

    SUCCESS = 0
    UNEXPECTED = 1
    USAGE = 2
    UNRESOLVED = 3
    ENVIRONMENT = 4
    MODEL = 5
    LIMIT = 6
    INTERRUPTED = 130


ERROR_CLASSES: dict[str, ExitCode] = {
    "cwm_agent.errors.UsageError": ExitCode.USAGE,
    "cwm_agent.errors.NotReadyError": ExitCode.ENVIRONMENT,
    "cwm_agent.nano.training.state.StateError": ExitCode.USAGE,
    "cwm_agent.nano.training.worker.SourceError": ExitCode.ENVIRONMENT,
    "cwm_agent.debug.record.recording.RecordError": ExitCode.USAGE,
    "cwm_agent.streams.OutputError": ExitCode.ENVIRONMENT,
    "cwm_agent.policies.errors.PolicyError": ExitCode.MODEL,
    "results.errors.RunNotFoundError": ExitCode.USAGE,
    "results.errors.PredictionError": ExitCode.USAGE,
    "results.errors.ResultsError": ExitCode.ENVIRONMENT,
    "envs.errors.SandboxError": ExitCode.ENVIRONMENT,
    "model.errors.ModelError": ExitCode.MODEL,
    "tools.errors.ToolsError": ExitCode.USAGE,
    "envs.errors.ModeError": ExitCode.USAGE,
    "envs.errors.RowError": ExitCode.USAGE,
    "envs.errors.TurnError": ExitCode.USAGE,
    "envs.errors.HostError": ExitCode.USAGE,
    "envs.errors.ReportError": ExitCode.USAGE,
    "envs.errors.HarborError": ExitCode.USAGE,
    "envs.errors.RecipeError": ExitCode.USAGE,
    "builtins.OSError": ExitCode.ENVIRONMENT,  # what the operating system refuses
    "builtins.MemoryError": ExitCode.ENVIRONMENT,
}
"""By name, so that looking up the code imports nothing; subclasses take the nearest base's code."""

_REASONS: dict[ExitReason, ExitCode] = {
    "turn_limit": ExitCode.LIMIT,
    "token_limit": ExitCode.LIMIT,
    "time_limit": ExitCode.LIMIT,
    "format_errors": ExitCode.UNRESOLVED,
    "sandbox_broken": ExitCode.UNRESOLVED,
    "interrupted": ExitCode.INTERRUPTED,
    "policy_error": ExitCode.MODEL,
    "sandbox_error": ExitCode.ENVIRONMENT,
}


def code_of_error(error: BaseException) -> ExitCode | None:
    """The exit code of one of our errors; None for an unexpected one."""
    for base in type(error).__mro__:
        code = ERROR_CLASSES.get(f"{base.__module__}.{base.__qualname__}")
        if code is not None:
            return code
    return None


def code_of_attempt(reason: ExitReason, resolved: bool | None) -> ExitCode:
    """The exit code of an attempt that ended.

    A resolved one is a success whatever ended it. `resolved` None means that
    there were no tests to judge by: then a submission is a success.
    """
    if resolved or (resolved is None and reason == "submitted"):
        return ExitCode.SUCCESS
    return _REASONS.get(reason, ExitCode.UNRESOLVED)
