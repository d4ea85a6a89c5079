"""Each limit, reached for real: an end in time, its cause, and a sandbox that goes on."""

from __future__ import annotations

import dataclasses

import pytest
from injection import MIB, SMALL, TIMEOUT, Places

from envs.sandbox.sandbox import Sandbox
from tools.workspace import CommandResult

FORK_BOMB = "bomb() { bomb | bomb & }; bomb; sleep 100"


def goes_on(place: Sandbox) -> None:
    assert place.run("echo fine", timeout=TIMEOUT).output.endswith("fine\n")
    assert place.control("echo control", timeout=TIMEOUT).output == "control\n"
    place.write_file("/testbed/after", b"after")
    assert place.read_file("/testbed/after") == b"after"


def run(place: Sandbox, command: str, timeout: float = TIMEOUT) -> CommandResult:
    return place.run(command, timeout=timeout)


def test_one_process_out_of_memory(places: Places) -> None:
    place = places()
    result = run(place, "head -c 900000000 /dev/zero | tail -c 800000000 | wc -c; (exit 9)")
    assert "800000000" not in result.output
    assert (result.ending, result.cause) == ("exited", "out_of_memory")
    goes_on(place)


def test_many_processes_out_of_memory_together(places: Places) -> None:
    place = places()
    if places.kind == "bubblewrap" and place._cgroup is None:
        pytest.skip("no control groups for this user")
    # Each stays below the limit of one process; bubblewrap allows its files' size on top.
    hold = "head -c 150000000 /dev/zero | tail -c 140000000 | { read -t 3 -n 1 -d x; sleep 3; }"
    result = run(place, f"for i in {{1..8}}; do ({hold}) & done; wait; (exit 1)")
    assert (result.ending, result.cause) == ("exited", "out_of_memory")
    goes_on(place)


def test_a_fork_bomb_ends_with_its_time(places: Places) -> None:
    place = places()
    if places.kind == "bubblewrap" and place._cgroup is None:
        pytest.skip("no control groups for this user")
    result = run(place, FORK_BOMB, timeout=2.0)
    assert result.ending in ("timeout", "exited", "shell_ended")
    assert result.cause == "process_limit"
    assert result.seconds < TIMEOUT
    goes_on(place)
    left = place.control("printf '%s\\n' /proc/[0-9]* | wc -l", timeout=TIMEOUT)
    assert int(left.output) < 20


def test_the_dead_are_collected_while_a_command_runs(places: Places) -> None:
    orphans = "for i in {1..50}; do ( (sleep 0.1 &) ); done"
    dead = "cat /proc/[0-9]*/stat 2>/dev/null | grep -c ') Z '"
    result = run(places(), f"{orphans}; until (($({dead}) == 0)); do sleep 0.2; done; echo none")
    assert (result.ending, result.output) == ("exited", "none\n")


def test_a_full_disk(places: Places) -> None:
    place = places()
    result = run(place, "head -c 200000000 /dev/zero >/testbed/big")
    assert (result.ending, result.cause) == ("exited", "disk_full")
    assert run(place, "stat -c %s /testbed/big").output.strip() <= str(64 * MIB)
    assert run(place, "rm /testbed/big").exit_code == 0
    goes_on(place)


def test_a_disk_filled_by_many_files(places: Places) -> None:
    place = places()
    fill = "for i in {1..60}; do head -c 10000000 /dev/zero >/testbed/f$i || break; sleep 0.2; done"
    result = run(place, f"{fill}; (exit 1)", timeout=4 * TIMEOUT)
    assert result.cause == "disk_full"
    assert run(place, "rm /testbed/f*").exit_code == 0
    goes_on(place)


def test_cpu_time_is_shared_out(places: Places) -> None:
    place = places(dataclasses.replace(SMALL, cpus=0.2))
    if places.kind == "bubblewrap" and place._cgroup is None:
        pytest.skip("no control groups for this user")
    result = run(place, "time (for ((i = 0; i < 60000; i++)); do :; done)", timeout=60.0)
    assert result.ending == "exited"
    user = next(line for line in result.output.splitlines() if line.startswith("user"))
    used = float(user.rpartition("m")[2].removesuffix("s"))
    assert result.seconds > 2 * used


def test_killed_is_told_from_out_of_memory(places: Places) -> None:
    result = run(places(), "bash -c 'kill -9 $$'")
    assert (result.exit_code, result.cause) == (137, "killed")


def test_a_plain_failure_has_no_cause(places: Places) -> None:
    result = run(places(), "grep x /dev/null")
    assert (result.exit_code, result.cause) == (1, None)
