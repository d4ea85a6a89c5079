"""A part in a process of its own: what runs in the process that `process.py` forks."""

from __future__ import annotations

import faulthandler
import importlib
import json
import os
import sys
import traceback
from pathlib import Path

import torch

from cwm_agent.bench.gpu.events import Recorder
from cwm_agent.bench.gpu.measure.bench import bench_of
from cwm_agent.bench.gpu.task import Task

_ERROR_CHARACTERS = 600


def work(task: Task, log: Path, folder: Path) -> None:
    """Do the part in a session of its own, and end the process: 0 when it came to its end."""
    os.setsid()
    os.chdir(folder)
    handle = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(handle, 1)
    os.dup2(handle, 2)
    # Triton and CUDA read their variables when they are used first, which is still to come.
    os.environ.update(task.environment)
    code = _guarded(task)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # a broken device must not hold up the end


def _guarded(task: Task) -> int:
    faulthandler.enable(2)
    # Before it is killed for being late: where does it stand?
    faulthandler.dump_traceback_later(max(0.5, task.seconds - 1.0), exit=False, file=2)
    recorder = Recorder(Path(task.events))
    try:
        carry_out(task, recorder)
    except BaseException as error:  # noqa: BLE001 (told to who watches)
        traceback.print_exc()
        text = " ".join(str(error).split())[:_ERROR_CHARACTERS]
        recorder.tell("failed", error=f"{type(error).__name__}: {text}")
        return 1
    recorder.tell("done")
    return 0


def carry_out(task: Task, recorder: Recorder) -> None:
    """Call the part's function, and wait for what it left to the device."""
    module, _, function = task.target.partition(":")
    bench = bench_of(task, recorder)
    getattr(importlib.import_module(module), function)(bench)
    if bench.device.type == "cuda":
        torch.cuda.synchronize(bench.device)


if __name__ == "__main__":  # under a tool that must start the process itself
    raw = json.loads(sys.argv[1])
    os._exit(_guarded(Task(**raw | {"only": tuple(raw["only"]) if raw["only"] else None})))
