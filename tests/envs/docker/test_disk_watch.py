"""When the disk is measured and what is tolerated."""

from __future__ import annotations

from envs.docker.disk_watch import DiskWatch


class Disk:
    """A clock and a disk that the test moves; measuring takes `cost` seconds."""

    def __init__(self) -> None:
        self.now = 0.0
        self.used = 0
        self.cost = 0.0
        self.measured = 0

    def clock(self) -> float:
        return self.now

    def measure(self) -> int:
        self.now += self.cost
        self.measured += 1
        return self.used


def watch(disk: Disk) -> DiskWatch:
    return DiskWatch(disk.measure, 100, seconds=2.0, clock=disk.clock)


def test_it_trips_once_and_again_only_when_more_is_used() -> None:
    disk = Disk()
    watched = watch(disk)
    answers = []
    for used in (50, 150, 150, 120, 151, 90):
        disk.used = used
        answers.append(watched.exceeded())
        disk.now += 2.0
    assert answers == [False, True, False, False, True, False]


def test_a_slow_measurement_is_made_seldom() -> None:
    disk = Disk()
    disk.cost = 1.0
    watched = watch(disk)
    for _ in range(100):
        watched.exceeded()
        disk.now += 1.0
    assert disk.measured <= 6
