"""The case that failed once more under compute-sanitizer, which names bad addresses and threads."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import asdict

from cwm_agent.bench.gpu.process import ROOT
from cwm_agent.bench.gpu.task import Task

TOOL = "compute-sanitizer"
_LINES = 40


def sanitized(task: Task) -> list[str]:
    """The first lines that the tool, which must be there, says of a part within `task.seconds`."""
    command = [
        TOOL, "--tool", "memcheck", "--print-limit", "3",
        sys.executable, "-m", "cwm_agent.bench.gpu.worker", json.dumps(asdict(task)),
    ]  # fmt: skip
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env=os.environ | task.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
    )
    try:
        said, _ = process.communicate(timeout=task.seconds)
    except subprocess.TimeoutExpired:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        said, _ = process.communicate()
        said += f"\nkilled after {task.seconds:.0f} s"
    lines = said.splitlines()
    found = [line for line in lines if line.startswith("=====")]
    return (found or lines[-_LINES:])[:_LINES]
