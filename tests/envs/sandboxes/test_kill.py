"""A sandbox that another thread ends, while a command runs in it."""

from __future__ import annotations

import threading
import time

import pytest

from envs.errors import SandboxError
from envs.sandbox.sandbox import Sandbox


def test_a_running_command_ends_as_lost_and_so_does_every_later_one(place: Sandbox) -> None:
    timer = threading.Timer(0.5, place.kill)
    timer.start()
    began = time.monotonic()
    assert place.run("sleep 600", timeout=200).ending == "lost"
    assert time.monotonic() - began < 100
    timer.join()
    with pytest.raises(SandboxError):
        place.read_file("/etc/passwd")
    place.kill()  # nothing is left to end
    place.close()
    place.kill()
