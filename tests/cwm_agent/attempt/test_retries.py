"""Failures of the infrastructure are tried again; nothing else is."""

from __future__ import annotations

import pytest

from cwm_agent.attempt.retries import Retries, insist, play_on
from cwm_agent.attempt.rollout import EventLog, Trajectory
from envs.errors import SandboxError
from results.records import Ended, Event
from tools.workspace import Cause


class Log:
    """A journal in memory; like the real one, `events` is what stood in it at first."""

    events: tuple[Event, ...] = ()

    def __init__(self) -> None:
        self.written: list[Event] = []

    def append(self, event: Event) -> None:
        self.written.append(event)

    def commit(self) -> None:
        pass


class Player:
    """Fails for each of the causes in turn, then submits."""

    def __init__(self, *causes: Cause) -> None:
        self.causes = list(causes)
        self.pasts: list[int] = []

    def __call__(self, log: EventLog) -> Trajectory:
        self.pasts.append(len(log.events))
        if self.causes:
            ended = Ended("sandbox_error", "broken", self.causes.pop(0))
        else:
            ended = Ended("submitted")
        log.append(ended)
        events = (*log.events, ended)
        return Trajectory(events, ended.reason, ended.detail, "", ended.cause)


def test_a_passing_failure_goes_on_from_all_that_was_written() -> None:
    log, told, slept = Log(), list[str](), list[float]()
    player = Player("container_gone", "engine_unreachable")
    trajectory = play_on(player, log, Retries(3, told.append, slept.append))
    assert trajectory.reason == "submitted"
    assert player.pasts == [0, 1, 2]
    assert list(trajectory.events) == log.written
    assert slept == [1.0, 5.0]
    assert len(told) == 2


def test_retries_are_counted_and_the_failure_stays_a_failure() -> None:
    player = Player(*["container_gone"] * 5)
    trajectory = play_on(player, Log(), Retries(2, lambda text: None, lambda seconds: None))
    assert (trajectory.reason, trajectory.cause) == ("sandbox_error", "container_gone")
    assert len(player.pasts) == 3


@pytest.mark.parametrize("cause", ["image_missing", "host_disk_full", "setup", "not_available"])
def test_a_lasting_failure_is_not_tried_again(cause: Cause) -> None:
    player = Player(cause)
    trajectory = play_on(player, Log(), Retries(3, lambda text: None, lambda seconds: None))
    assert (trajectory.reason, len(player.pasts)) == ("sandbox_error", 1)


def test_judging_is_tried_again_too() -> None:
    causes: list[Cause] = ["engine_unreachable", "container_gone"]

    def judge() -> str:
        if causes:
            raise SandboxError("broken", cause=causes.pop())
        return "judged"

    retries = Retries(3, lambda text: None, lambda seconds: None)
    assert insist(judge, retries) == "judged"
    causes[:] = ["setup"]
    with pytest.raises(SandboxError):
        insist(judge, retries)
