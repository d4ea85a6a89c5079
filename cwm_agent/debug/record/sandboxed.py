"""Recording in a sandbox, for programs of which nobody knows what they do."""

from __future__ import annotations

import json
import os
from pathlib import Path
from types import TracebackType
from typing import Self

from cwm_agent.debug.record import tracer
from cwm_agent.debug.record.recording import RecordError, Recording, RecordRequest
from envs.progress import Say
from envs.registry import AUTO, choose_kind, sandbox_kind
from envs.sandbox.kind import Contents, SandboxSpec
from envs.sandbox.owner import boot_id
from envs.sandbox.sandbox import Owner, Sandbox
from tools.workspace import CommandResult

_FOLDER = "/tmp/trace"
_TRACER, _REQUEST, _ANSWER = (f"{_FOLDER}/{name}" for name in ("tracer.py", "in.json", "out.json"))
_START_SECONDS = 30.0
_KILLED = 128 + 9


class SandboxRecorder:
    """Runs requests one after the other in one sandbox, which is opened when it is first needed."""

    def __init__(self, kind: str = AUTO, progress: Say = lambda _: None) -> None:
        self._kind = kind
        self._progress = progress
        self._sandbox: Sandbox | None = None

    def __call__(self, request: RecordRequest) -> Recording:
        """Run a program; raises RecordError or SandboxError."""
        sandbox = self._open()
        sandbox.write_file(_REQUEST, json.dumps(request.to_json()).encode())
        sandbox.write_file(_ANSWER, b"")
        command = f"python3 {_TRACER} {_REQUEST} {_ANSWER} < /dev/null > /dev/null"
        done = sandbox.control(command, timeout=request.seconds + _START_SECONDS)
        try:
            answer = json.loads(sandbox.read_file(_ANSWER))
        except (ValueError, OSError) as error:
            raise RecordError(_lost(done, request)) from error
        return Recording.from_json(answer)

    def _open(self) -> Sandbox:
        if self._sandbox is None:
            kind = choose_kind(self._kind)
            prepared = sandbox_kind(kind).prepare(Contents(), self._progress)
            sandbox = prepared.make(SandboxSpec(Owner("trace", "", 0, os.getpid(), boot_id())))
            sandbox.open()
            self._sandbox = sandbox
            sandbox.control(f"mkdir -p {_FOLDER}", timeout=_START_SECONDS)
            sandbox.write_file(_TRACER, Path(tracer.__file__).read_bytes())
        return self._sandbox

    def close(self) -> None:
        """Remove the sandbox."""
        sandbox, self._sandbox = self._sandbox, None
        if sandbox is not None:
            sandbox.close()

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Remove the sandbox."""
        self.close()


def _lost(done: CommandResult, request: RecordRequest) -> str:
    """Why there is no recording."""
    if done.ending == "timeout":
        why = f"it waited for more than {request.seconds + _START_SECONDS:.0f} s"
    elif done.exit_code == _KILLED:
        why = "its process was killed, by itself or for the memory it took"
    else:
        why = f"it ended its process itself, with status {done.exit_code} (os._exit or a crash)"
    said = done.output.strip()[-300:]
    steps = "its steps up to there are not known; leave that out of what is traced"
    return f"the program could not be recorded: {why}; {steps}" + (f"\n{said}" if said else "")
