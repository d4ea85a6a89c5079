"""Which policy answers, as a job names it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

PolicyKind = Literal["embedded", "endpoint", "replay", "human"]


SHARED: frozenset[PolicyKind] = frozenset({"embedded", "endpoint"})


@dataclass(frozen=True, slots=True)
class PolicyChoice:
    """Who answers: a checkpoint in this process or served elsewhere, a recording, or the person.

    `source` is the path of the checkpoint's folder or of the recording.
    """

    kind: PolicyKind
    source: str = ""
