"""Which policy answers, as a job names it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

PolicyKind = Literal["embedded", "endpoint", "chat", "replay", "human"]


SHARED: frozenset[PolicyKind] = frozenset({"embedded", "endpoint", "chat"})


@dataclass(frozen=True, slots=True)
class PolicyChoice:
    """Who answers: a checkpoint in this process or served elsewhere, a model behind a chat API, a
    recording, or the person.

    `source` is the path of the checkpoint's folder or of the recording, or API:NAME.
    """

    kind: PolicyKind
    source: str = ""
