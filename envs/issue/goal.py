"""What an episode is to hand in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Goal:
    """`text` is the key of the task's text; `refusal` says why a file is not what is asked for,
    None where a patch is. With `state` nothing is read: what counts is the sandbox as it stands,
    and its working tree is not recorded."""

    text: str
    refusal: Callable[[str], str] | None = None
    state: bool = False


PATCH = Goal("task.issue")
STATE = Goal("task.state", state=True)
