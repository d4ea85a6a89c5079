"""The runner alone: what runs at once, what is tried again, what is given up."""

from __future__ import annotations

import threading
import time
from dataclasses import replace

import pytest

from cwm_agent.attempt.interrupt import CancelToken
from cwm_agent.batch.attempt_state import AttemptState
from cwm_agent.batch.runner import Runner
from cwm_agent.batch.semaphores import OncePerKey, Semaphore, StoppedError
from cwm_agent.batch.status import StatusReporter, line
from cwm_agent.batch.stopping import StopConditions
from cwm_agent.config.settings import BatchSettings
from cwm_agent.errors import UsageError
from cwm_agent.exit_codes import ExitCode
from cwm_agent.policies.choice import PolicyChoice
from cwm_agent.tasks.job import Job
from envs.errors import SandboxError
from results.records import AttemptResult
from tools.workspace import Cause

JOB = Job("a", "issue", PolicyChoice("replay", "x"), "bubblewrap")
RESULT = AttemptResult(
    "a", 0, "submitted", "", 3, 1.0, 10, 7, "p", "bubblewrap", "improved", "default", resolved=True
)
LOST = replace(RESULT, exit_reason="sandbox_error", resolved=None, cause="container_gone")
SILENT = replace(LOST, exit_reason="policy_error", cause="model_unreachable")
WRONG = replace(SILENT, cause="model_refused")


def attempts(count: int) -> list[AttemptState]:
    return [AttemptState(JOB, sample) for sample in range(count)]


def states(runner: Runner) -> list[str]:
    return [attempt.state for attempt in runner.attempts]


def test_never_more_at_once_than_workers_but_judging_does_not_count() -> None:
    lock, running, most = threading.Lock(), 0, 0

    def work(attempt: AttemptState) -> AttemptResult:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        time.sleep(0.02)
        with lock:
            running -= 1
        attempt.state = "judging"
        time.sleep(0.05)
        return RESULT

    over: list[str] = []
    runner = Runner(attempts(12), work, workers=3, over=lambda attempt: over.append(attempt.name))
    runner.run()
    assert states(runner) == ["resolved"] * 12
    assert most <= 4  # one may be launched before another has told that it is being judged
    assert len(over) == 12


def test_a_failed_sandbox_is_tried_again_a_few_times() -> None:
    calls: list[int] = []

    def work(attempt: AttemptState) -> AttemptResult:
        calls.append(attempt.sample)
        if attempt.sample == 1 and calls.count(1) == 1:
            raise SandboxError("the engine is busy", cause="engine_unreachable")
        return LOST if attempt.sample == 0 else RESULT

    runner = Runner(attempts(2), work, workers=2, retries=1)
    runner.run()
    assert states(runner) == ["failed", "resolved"]
    assert (calls.count(0), calls.count(1)) == (2, 2)
    assert runner.attempts[0].code == 4


def test_servers_that_were_away_are_asked_again_but_not_for_what_they_refuse() -> None:
    calls: list[int] = []

    def work(attempt: AttemptState) -> AttemptResult:
        calls.append(attempt.sample)
        if attempt.sample == 1:
            return WRONG
        return SILENT if len(calls) == 1 else RESULT

    runner = Runner(attempts(2), work, workers=1, retries=1)
    runner.run()
    assert (states(runner), calls) == (["resolved", "failed"], [0, 0, 1])
    assert runner.attempts[1].code == 5


def test_a_failure_that_lasts_is_not_tried_again() -> None:
    calls: list[int] = []

    def work(attempt: AttemptState) -> AttemptResult:
        calls.append(attempt.sample)
        raise SandboxError("there is no such image", cause="image_missing")

    runner = Runner(attempts(1), work, workers=1, retries=3)
    runner.run()
    assert (states(runner), calls) == (["failed"], [0])


def test_missing_images_do_not_count_as_a_machine_at_fault() -> None:
    def work(attempt: AttemptState) -> AttemptResult:
        cause: Cause = "image_missing" if attempt.sample < 3 else "setup"
        raise SandboxError("no", cause=cause)

    runner = Runner(attempts(5), work, workers=1)
    runner.run()
    assert (states(runner), runner.failures_in_row) == (["failed"] * 5, 2)


def test_an_unexpected_error_fails_one_attempt_and_is_logged() -> None:
    log: list[str] = []

    def work(attempt: AttemptState) -> AttemptResult:
        return RESULT if attempt.sample else 1 / 0  # type: ignore[return-value]

    runner = Runner(attempts(2), work, workers=1, log=log.append)
    runner.run()
    assert states(runner) == ["failed", "resolved"]
    assert (runner.attempts[0].code, "ZeroDivisionError" in log[0]) == (1, True)


def until_asked(attempt: AttemptState) -> AttemptResult:
    while not attempt.stop.requested:
        time.sleep(0.01)
    return replace(RESULT, exit_reason="interrupted")


def test_a_drained_run_ends_with_what_is_left_waiting() -> None:
    runner = Runner(attempts(3), until_asked, workers=2)
    threading.Timer(0.2, runner.drain).start()
    runner.run()
    assert states(runner) == ["waiting"] * 3


@pytest.mark.parametrize(
    ("limits", "used"),
    [
        (BatchSettings(turns=30), "30 turns"),
        (BatchSettings(tokens=5000), "5000 tokens"),
        (BatchSettings(seconds=0.3), "0.3 seconds"),
    ],
)
def test_attempts_that_would_never_end_are_ended_by_a_limit_of_the_run(
    limits: BatchSettings, used: str
) -> None:
    def work(attempt: AttemptState) -> AttemptResult:
        while not attempt.stop.requested:
            attempt.turn, attempt.tokens = attempt.turn + 1, attempt.tokens + 100
            time.sleep(0.01)
        return replace(RESULT, exit_reason="interrupted")

    said: list[str] = []
    runner = Runner(attempts(3), work, workers=2)
    reporter, ending = StatusReporter("run", runner), StopConditions(runner, limits)
    runner.run(lambda: ending.look(0, reporter.status(), said.append))
    assert said == [f"the run has used its {used}; finishing the turns"]
    assert states(runner) == ["waiting"] * 3
    assert ending.code() == ExitCode.LIMIT


def test_cancelled_attempts_are_given_up_and_can_be_asked_for_again() -> None:
    def work(attempt: AttemptState) -> AttemptResult:
        return until_asked(attempt) if attempt.sample == 0 else RESULT

    runner = Runner(attempts(3), work, workers=1)

    def requests() -> None:
        assert runner.cancel("a/2") == ["a/2"]
        assert runner.requeue("a/2") == ["a/2"]
        assert runner.cancel("a/0") == ["a/0"]

    threading.Timer(0.2, requests).start()
    runner.run()
    assert states(runner) == ["cancelled", "resolved", "resolved"]
    assert runner.requeue("a/1") == []  # it has its result
    with pytest.raises(UsageError, match="no attempt 'b'"):
        runner.cancel("b")


def test_the_board_says_how_fast_it_goes() -> None:
    now = 100.0
    runner = Runner(attempts(4), lambda _attempt: RESULT, workers=1)
    reporter = StatusReporter("run", runner, clock=lambda: now)
    assert reporter.status().eta is None
    runner.attempts[0].settle(RESULT)
    now = 110.0
    status = reporter.status()
    assert (status.eta, status.tokens_per_second, status.ended) == (30.0, 0.7, 1)
    assert line(status).startswith("running 1/4: 3 waiting, 0 running, 0 judging, 1 resolved")


def test_a_gate_lets_in_as_many_as_it_says_and_gives_up_when_told_to() -> None:
    semaphore, stop = Semaphore(1), CancelToken()
    with semaphore.hold(stop):
        stop.ask()
        with pytest.raises(StoppedError), semaphore.hold(stop):
            pass
    semaphore.resize(2)
    with semaphore.hold(stop), semaphore.hold(stop):
        assert semaphore.inside == 2


def test_the_same_is_made_once_and_again_after_an_error() -> None:
    once, made = OncePerKey(Semaphore(1)), []

    def make() -> None:
        time.sleep(0.02)
        made.append(1)
        if len(made) == 1:
            raise SandboxError("no network")

    def ensure() -> None:
        try:
            once.ensure("key", make, CancelToken())
        except SandboxError:
            failed.append(1)

    failed: list[int] = []
    threads = [threading.Thread(target=ensure) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(made), len(failed)) == (2, 1)
