"""Many solutions graded in one sandbox, each confined in a process of its own there.

The sandbox learns the inputs and gives what came out; what is expected stays
here, so a solution can neither read nor forge a verdict.
"""

from __future__ import annotations

import errno
import json
import posixpath
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any, Literal

from envs.contest.compare import same_output, same_value
from envs.contest.rows import ContestTests
from envs.errors import SandboxError
from envs.sandbox.sandbox import Sandbox, SandboxLimits

SCRIPTS = ("contest_runner.py", "contest_solution.py", "contest_confine.py")
FOLDER = "/grading"
START_SECONDS = 60.0
FRESH_SECONDS = 5.0

ContestOutcome = Literal["right", "wrong", "timeout", "error", "died", "output", "memory"]
"""`error`: it raised an exception; `died`: its process ended; the last two are limits."""


@dataclass(frozen=True, slots=True)
class ContestLimits:
    """Of one solution. `seconds` are for loading it, and for each test (the official 6)."""

    seconds: float = 6.0
    memory_bytes: int = 4 * 2**30
    output_bytes: int = 16 * 2**20

    def sandbox(self) -> SandboxLimits:
        """Room for one such process and its keeper."""
        return SandboxLimits(
            memory_bytes=self.memory_bytes + 2**29, pids=256, cpus=1.0, disk_bytes=2**30
        )


@dataclass(frozen=True, slots=True)
class Work:
    """One solution of one problem; `name` is the caller's."""

    name: str
    code: str
    function: str
    tests: ContestTests


@dataclass(frozen=True, slots=True)
class ContestVerdict:
    """What the tests say of a solution. `passed` counts tests up to the first that failed."""

    outcome: ContestOutcome
    passed: int
    tests: int
    detail: str = ""
    seconds: float = 0.0
    cpu_seconds: float = 0.0


def install(sandbox: Sandbox) -> None:
    """Put the programs that run solutions into an open sandbox."""
    for name in SCRIPTS:
        source = resources.files("envs").joinpath("scripts", name).read_bytes()
        sandbox.control(f"mkdir -p {FOLDER}", timeout=FRESH_SECONDS)
        sandbox.write_file(posixpath.join(FOLDER, name), source)


def run_batch(
    sandbox: Sandbox, work: Sequence[Work], limits: ContestLimits, core: int | None = None
) -> dict[str, ContestVerdict]:
    """The verdicts by name, of as many as there is one of: all, unless the runner came to an end.

    `core` is the processor that all of it runs on. Raises SandboxError when the
    sandbox cannot carry them out.
    """
    batch, results = f"{FOLDER}/batch", f"{FOLDER}/results"
    sandbox.write_file(batch, _lines(work, limits))
    sandbox.write_file(results, b"")
    pinned = -1 if core is None else core
    command = f"OMP_NUM_THREADS=1 python3 -I {FOLDER}/{SCRIPTS[0]} {batch} {results} {pinned}"
    most = sum(limits.seconds * (len(item.tests.inputs) + 1) for item in work)
    done = sandbox.run_fresh(f"{command} 2>&1", timeout=START_SECONDS + most)
    if done.ending == "lost":
        raise SandboxError("the grading sandbox was lost; run the same command again")
    try:
        ready, *rest = _read(sandbox.read_file(results)) or [{}]
    except OSError as error:
        if error.errno == errno.EFBIG:  # the solutions printed more than fits: fewer at once
            return {}
        raise
    if "ready" not in ready:
        raise SandboxError(f"solutions cannot be run in the sandbox: {_last_line(done.output)}")
    found = {item["id"]: item for item in rest}
    return {
        item.name: verdict(item, found[place]) for place, item in enumerate(work) if place in found
    }


def verdict(item: Work, found: Mapping[str, Any]) -> ContestVerdict:
    """Compare what came out with what was wanted, in the order of the tests."""
    same = same_value if item.function else same_output
    total = len(item.tests.outputs)
    used = float(found["seconds"]), float(found["cpu_seconds"])
    given = found["tests"]
    for number, (ours, wanted) in enumerate(zip(given, item.tests.outputs, strict=False)):
        if not same(ours, wanted):
            detail = f"wrong answer to test {number + 1} of {total}"
            return ContestVerdict("wrong", number, total, detail, *used)
    if found["ended"] == "finished" and len(given) == total:
        return ContestVerdict("right", total, total, "", *used)
    outcome: ContestOutcome = found["ended"] if found["ended"] in _WORDS else "died"
    where = f" in test {len(given) + 1} of {total}"
    detail = f"{_WORDS[outcome]}{where}" + (f": {found['detail']}" if found["detail"] else "")
    return ContestVerdict(outcome, min(len(given), total), total, detail, *used)


_WORDS = {
    "timeout": "too slow",
    "error": "exception",
    "died": "its process ended",
    "output": "too much output",
    "memory": "too much memory",
}


def _lines(work: Iterable[Work], limits: ContestLimits) -> bytes:
    lines: list[dict[str, object]] = []
    last: tuple[str, ContestTests] | None = None
    for place, item in enumerate(work):
        if last is None or last[0] != item.function or last[1] is not item.tests:
            last = (item.function, item.tests)
            lines.append(
                {
                    "inputs": item.tests.inputs,
                    "function": item.function,
                    "seconds": limits.seconds,
                    "memory": limits.memory_bytes,
                    "output": limits.output_bytes,
                }
            )
        lines.append({"id": place, "code": item.code})
    return "".join(f"{json.dumps(line)}\n" for line in lines).encode("ascii")


def _read(data: bytes) -> list[dict[str, Any]]:
    """Whole lines; the runner writes each at once."""
    return [json.loads(line) for line in data.split(b"\n")[:-1]]


def _last_line(text: str) -> str:
    return (text.strip().splitlines() or ["it said nothing"])[-1]
