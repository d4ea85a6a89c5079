"""What an infrastructure failure broke is done again in a fresh sandbox."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception,
    retry_if_result,
    stop_after_attempt,
    wait_chain,
    wait_fixed,
    wait_random,
)

from cwm_agent.attempt.interrupt import Stop
from cwm_agent.errors import LostError
from envs.errors import SandboxError
from envs.failures import known, may_pass
from results.records import AttemptResult
from results.store import UNFINISHED

T = TypeVar("T")

PAUSES = (1.0, 5.0, 15.0, 30.0)
"""Seconds before each new try; the last one again and again. An engine restarts in about ten."""
SPREAD = 1.0
"""Up to so many seconds more, or all attempts that one failure broke come back at once."""


def with_retries(work: Callable[[], T], retries: int, stop: Stop, say: Callable[[str], None]) -> T:
    """What `work` gives, done again up to `retries` times after failures that may pass.

    `work` goes on from the journal by itself. Nothing is tried again once
    `stop` is requested. Raises the last error.
    """

    def tell(state: RetryCallState) -> None:
        say(f"{_detail(state)}; try {state.attempt_number} of {retries} in a fresh sandbox")

    def pause(seconds: float) -> None:
        stop.wait(seconds)

    def last(state: RetryCallState) -> T:
        assert state.outcome is not None
        outcome: T = state.outcome.result()
        return outcome

    retrying = Retrying(
        stop=lambda state: stop.requested or stop_after_attempt(1 + retries)(state),
        sleep=pause,
        wait=wait_chain(*map(wait_fixed, PAUSES)) + wait_random(0, SPREAD),
        retry=retry_if_exception(_may_pass) | retry_if_result(_broken_off),
        before_sleep=tell,
        retry_error_callback=last,
    )
    return retrying(work)


def _detail(state: RetryCallState) -> str:
    assert state.outcome is not None
    error = state.outcome.exception()
    return str(state.outcome.result().detail if error is None else error)


def _broken_off(result: object) -> bool:
    """Whether an attempt ended for a reason that another try may be spared."""
    return (
        isinstance(result, AttemptResult)
        and result.exit_reason in UNFINISHED
        and may_pass(known(result.cause))
    )


def _may_pass(error: BaseException) -> bool:
    """Whether another place or a fresh sandbox may help; a missing image stays what it is."""
    if isinstance(error, SandboxError):
        return may_pass(error.cause)
    return isinstance(error, LostError)
