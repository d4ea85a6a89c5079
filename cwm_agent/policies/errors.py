"""What can go wrong in a policy."""

from __future__ import annotations

from cwm_agent.errors import CwmAgentError
from tools.workspace import Cause


class PolicyError(CwmAgentError):
    """A policy cannot give the next message; the text says why and what to do (exit code 5).

    `cause` is looked up in `envs.failures`; None: nobody's infrastructure failed.
    """

    cause: Cause | None = None


class EndpointError(PolicyError):
    """No server of the model answered, however long one waited: another time one may."""

    cause: Cause | None = "model_unreachable"


class RefusedError(PolicyError):
    """A server of the model answered that it will not do what is asked."""

    cause: Cause | None = "model_refused"


class ContextFullError(PolicyError):
    """The conversation is longer than a server's model can read: the attempt is at its limit."""
