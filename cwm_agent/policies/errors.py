"""What can go wrong in a policy."""

from __future__ import annotations

from cwm_agent.errors import CwmAgentError


class PolicyError(CwmAgentError):
    """A policy cannot give the next message; the text says why and what to do (exit code 5)."""
