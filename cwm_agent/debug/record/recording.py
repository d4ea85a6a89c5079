"""A recorded execution, and what is asked of a recorder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from cwm_agent.debug.legal.program import FILE, Program
from cwm_agent.debug.record.tracer import LONGEST
from cwm_agent.errors import CwmAgentError
from model.text.traces import Frame


class RecordError(CwmAgentError):
    """The program could not be run for real."""


@dataclass(frozen=True, slots=True)
class RecordRequest:
    """What to run: `entry(arguments)` of `source`, up to `most` frames or `seconds` of CPU time.

    Written values of more than `longest` characters are cut in their middle.
    """

    source: str
    entry: str
    arguments: str = ""
    most: int = 2000
    seconds: float = 10.0
    comprehensions: bool = True
    longest: int = LONGEST
    file: str = FILE

    def to_json(self) -> dict[str, Any]:
        """As `tracer.record_call` takes it."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Recording:
    """Frames with their line numbers. `cut`: the program went on, or took too long; `raised`:
    the entry ended by an exception."""

    frames: tuple[Frame, ...]
    lines: tuple[int, ...]
    cut: bool
    raised: bool = False

    @classmethod
    def from_json(cls, answer: dict[str, Any]) -> Recording:
        """Read an answer of `tracer.record_call`; raises RecordError."""
        if "error" in answer:
            raise RecordError(
                f"the program fails before its entry is called: {answer['error']}; mend its "
                "top level, or the arguments of the entry"
            )
        frames = tuple(
            Frame(event, text, tuple((written or {}).items()), value)
            for event, _, text, written, value in answer["frames"]
        )
        lines = tuple(one[1] for one in answer["frames"])
        return cls(frames, lines, bool(answer["cut"]), bool(answer["raised"]))


Recorder = Callable[[RecordRequest], Recording]
"""Runs a request for real; raises RecordError, or SandboxError where it needs one."""


def request_of(program: Program, arguments: str = "", **limits: Any) -> RecordRequest:
    """The request that runs a program's entry."""
    return RecordRequest(
        program.source,
        program.entry_name,
        arguments,
        comprehensions=program.comprehensions,
        **limits,
    )
