"""A sandbox ends with its owner, with its lease, and with its life."""

from __future__ import annotations

import dataclasses
import signal
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from injection import SMALL, TIMEOUT, Places, command_lines, eventually, start

from envs.sandbox.sandbox import Sandbox

OWNED = """
import os, sys
sys.path.insert(0, {folder!r})
from injection import Places, SMALL
import dataclasses
limits = dataclasses.replace(SMALL, watchdog_seconds=1.0)
place = Places(sys.argv[1], sys.argv[2] or None)(limits)
print("open", flush=True)
own = os.getpid()
command = f"(trap '' TERM HUP; setsid sleep 5151.{{own}}) & sleep 5152.{{own}}"
print(place.run(command, timeout=8.0).ending, flush=True)
place.close()
"""


def owned(places: Places) -> str:
    return OWNED.format(folder=str(__file__).rpartition("/")[0])


def sleepers(owner: subprocess.Popen[str]) -> int:
    return sum(f"sleep 515{n}.{owner.pid}" in line for line in command_lines() for n in (1, 2))


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_dead_owners_commands_end_at_once(places: Places, number: signal.Signals) -> None:
    child = start(owned(places), places.kind, places.image or "")
    assert child.stdout is not None
    assert child.stdout.readline() == "open\n"
    assert eventually(lambda: sleepers(child) >= 2)
    child.send_signal(number)
    child.wait()
    assert eventually(lambda: sleepers(child) == 0)
    child.stdout.close()


def test_a_frozen_owners_command_is_ended_by_the_watchdog(places: Places) -> None:
    child = start(owned(places), places.kind, places.image or "")
    assert child.stdout is not None
    assert child.stdout.readline() == "open\n"
    assert eventually(lambda: sleepers(child) >= 2)
    child.send_signal(signal.SIGSTOP)
    try:
        assert eventually(lambda: sleepers(child) == 0)  # by the watchdog alone
        child.send_signal(signal.SIGCONT)
        assert child.stdout.readline() == "lost\n"
        assert child.wait() == 0
    finally:
        child.kill()  # what is stopped would stay
    child.stdout.close()


def test_an_idle_and_an_old_sandbox_end_by_themselves(places: Places) -> None:
    for limit in ("idle_seconds", "lifetime_seconds"):
        place = places(dataclasses.replace(SMALL, **{limit: 5.0}))
        assert place.run("echo young", timeout=4.0).output == "young\n"
    time.sleep(6.5)  # for both at once
    for place in places.made:
        result = place.run("echo old", timeout=4.0)
        assert (result.ending, result.cause) == ("lost", "container_gone")


@pytest.mark.parametrize("count", [8, pytest.param(30, marks=pytest.mark.slow)])
def test_many_at_once(places: Places, count: int) -> None:
    limits = dataclasses.replace(SMALL, cpus=0.5)

    def work(number: int) -> str:
        place: Sandbox = places(limits)
        try:
            return place.run(f"echo $(({number} * 2))", timeout=TIMEOUT).output
        finally:
            place.close()

    with ThreadPoolExecutor(count) as pool:
        answers = list(pool.map(work, range(count)))
    assert answers == [f"{number * 2}\n" for number in range(count)]
