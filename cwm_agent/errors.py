"""Errors of the commands themselves. Every text names the remedy."""

from __future__ import annotations


class CwmAgentError(Exception):
    """Base of all errors of this package."""


class UsageError(CwmAgentError):
    """The command was asked for something invalid (exit code 2)."""


class ConfigError(UsageError):
    """A setting is unknown, malformed or out of range."""


class NotReadyError(CwmAgentError):
    """Something that the command needs is not there yet (exit code 4)."""


class LostError(NotReadyError):
    """The machine or process that worked on an attempt is gone; elsewhere it can go on."""
