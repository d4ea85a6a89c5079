"""A process on a node ends when nobody can reach it, whatever it is doing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[3]
CHILD = """
import os, sys, time
from cwm_agent.cluster.lifeline import Lifeline
line = Lifeline(lease=1.5, look=0.05)
line.renew()  # nothing is held yet
print(os.getpid(), flush=True)
if sys.argv[1] == "parent":
    time.sleep(60)
line.hold()
for _ in range(40):  # asked more often than the lease wants
    line.renew()
    time.sleep(0.05)
line.release()
time.sleep(2)  # without work nobody has to ask
print("alive", flush=True)
line.hold()
time.sleep(60)
"""


def start(*command: str) -> subprocess.Popen[str]:
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)


def test_it_ends_with_its_parent() -> None:
    shell = start("bash", "-c", f"{sys.executable} - parent <<'END' & wait\n{CHILD}\nEND")
    assert shell.stdout is not None
    child = int(shell.stdout.readline())
    shell.send_signal(signal.SIGKILL)
    shell.wait()
    assert shell.stdout.read() == ""  # ends when the child has closed it
    while Path(f"/proc/{child}").exists():
        time.sleep(0.02)


def test_it_ends_when_nobody_asks_any_more_but_only_at_work() -> None:
    child = start(sys.executable, "-c", CHILD, "lease")
    stdout, _ = child.communicate(timeout=60)
    assert stdout.splitlines()[1:] == ["alive"]
    assert child.returncode == 1
