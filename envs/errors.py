"""What this package raises."""

from __future__ import annotations

from tools.workspace import Cause


class SandboxError(Exception):
    """The place where commands run cannot be had or was lost; the text names the remedy.

    `cause` is looked up in `envs.failures` to decide what to do about it.
    """

    def __init__(self, text: str, *, cause: Cause = "setup") -> None:
        super().__init__(text)
        self.cause: Cause = cause


def first_line(error: Exception) -> str:
    """What an engine's error says, without its details."""
    text = str(getattr(error, "explanation", None) or error).strip()
    return text.splitlines()[0] if text else type(error).__name__


class GitError(SandboxError):
    """A repository on this host cannot be read or copied; the text says why."""


class PatchError(SandboxError):
    """A patch does not apply to the repository; the text says where."""


class OversizeError(SandboxError):
    """Changes are too many to be recorded, or have no room; what was recorded before stands."""


class ModeError(Exception):
    """A mode or a switch is unknown or has a wrong value; the text names the choices."""


class TurnError(Exception):
    """An attempt has no such turn; the text names the turns that it has."""


class RecipeError(Exception):
    """A requirement to install is invalid; the text says how to write it."""


class RowError(Exception):
    """A row of a data set cannot be used; the text says what it lacks and where to get it."""


class HostError(Exception):
    """An entry in the list of allowed hosts is invalid; the text says how to write it."""


class HarborError(SandboxError):
    """A task folder cannot be used; the text says what it lacks or wants, and what to do."""


class ReportError(Exception):
    """A way to report tests is unknown; the text names the choices."""
