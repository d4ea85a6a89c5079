"""What an episode is to hand in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Goal:
    """`text` is the key of the task's text; `refusal` says why a file is not what is asked for,
    None where a patch is."""

    text: str
    refusal: Callable[[str], str] | None = None


PATCH = Goal("task.issue")
