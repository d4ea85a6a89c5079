"""Failures of the infrastructure are tried again; nothing else is."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import pytest

from cwm_agent.attempt.interrupt import CancelToken
from cwm_agent.attempt.retries import PAUSES, SPREAD, with_retries
from cwm_agent.errors import LostError, UsageError
from envs.errors import SandboxError
from results.records import AttemptResult
from tools.workspace import Cause

SOLVED = AttemptResult(
    "a", 0, "submitted", "", 3, 1.0, 10, 7, "p", "bubblewrap", "improved", "default", resolved=True
)
BROKEN = replace(SOLVED, exit_reason="sandbox_error", resolved=None, detail="broken")


class Hasty(CancelToken):
    """Waits for nothing, and keeps how long it was to wait."""

    def __init__(self) -> None:
        super().__init__()
        self.waited: list[float] = []

    def wait(self, seconds: float) -> bool:
        self.waited.append(seconds)
        return self.requested


@dataclass
class Tries:
    """Each call raises or gives the next of `ends`, then the solved attempt."""

    ends: list[Exception | AttemptResult]
    count: int = 0
    told: list[str] = field(default_factory=list)
    stop: Hasty = field(default_factory=Hasty)

    def __call__(self) -> AttemptResult:
        self.count += 1
        end = self.ends.pop(0) if self.ends else SOLVED
        if isinstance(end, Exception):
            raise end
        return end

    def go(self, retries: int) -> AttemptResult:
        return with_retries(self, retries, self.stop, self.told.append)


def test_results_and_errors_that_may_pass_are_tried_again_after_growing_pauses() -> None:
    broken = replace(BROKEN, cause="container_gone")
    tries = Tries([broken, SandboxError("away", cause="engine_unreachable"), LostError("lost")])
    assert tries.go(3) == SOLVED
    assert tries.told == [
        "broken; try 1 of 3 in a fresh sandbox",
        "away; try 2 of 3 in a fresh sandbox",
        "lost; try 3 of 3 in a fresh sandbox",
    ]
    for waited, pause in zip(tries.stop.waited, PAUSES[:3], strict=True):
        assert pause <= waited <= pause + SPREAD


def test_retries_are_counted_and_the_failure_stays_a_failure() -> None:
    broken = replace(BROKEN, cause="container_gone")
    tries = Tries([broken] * 5)
    assert (tries.go(2), tries.count) == (broken, 3)
    raising = Tries([SandboxError("gone", cause="container_gone") for _ in range(5)])
    with pytest.raises(SandboxError, match="gone"):
        raising.go(1)
    assert raising.count == 2


@pytest.mark.parametrize("cause", ["image_missing", "host_disk_full", "setup", "model_refused"])
def test_a_lasting_failure_is_not_tried_again(cause: Cause) -> None:
    tries = Tries([replace(BROKEN, cause=cause)])
    assert (tries.go(3).cause, tries.count) == (cause, 1)
    raising = Tries([SandboxError("no", cause=cause)])
    with pytest.raises(SandboxError):
        raising.go(3)
    assert raising.count == 1


@pytest.mark.parametrize("error", [UsageError("no"), ValueError("a bug")])
def test_other_errors_are_not_tried_again(error: Exception) -> None:
    tries = Tries([error])
    with pytest.raises(type(error)):
        tries.go(3)
    assert tries.count == 1


def test_nothing_is_tried_again_once_the_end_is_asked_for() -> None:
    broken = replace(BROKEN, cause="container_gone")
    tries = Tries([broken, broken])
    tries.stop.ask()
    assert (tries.go(3), tries.count, tries.told) == (broken, 1, [])
