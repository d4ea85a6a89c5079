"""Runs solutions to contest problems one after the other, each confined in a process of its own.

    python3 -I contest_runner.py BATCH RESULTS CORE

BATCH has a JSON object a line: a problem (`inputs`, `function`, and the limits
`seconds` for loading and for each test, `memory` and `output` in bytes), and
after it solutions of it (`id`, `code`). RESULTS gets a line for each solution:
what each test gave, how it `ended`, and the seconds it took, of the clock and
of a processor. What is expected is not known here: no solution can read it.

The first line of RESULTS says that all is ready; from then on a solution is to blame.
BATCH is removed before the first solution begins, and read line by line.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import resource
import select
import signal
import sys
import time
from typing import Any

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))  # noqa: PTH100, PTH120

import contest_confine as confinement  # type: ignore[import-not-found]
import contest_solution as solution  # type: ignore[import-not-found]

OVERHEAD = 1024
"""Bytes in a message beside what a test gave, escapes not counted."""
CHUNK = 1 << 20
LOADED = (
    "asyncio", "concurrent.futures.process", "decimal", "fractions", "multiprocessing.managers",
    "numpy", "platform", "tempfile", "unittest.mock",
)  # fmt: skip
"""Modules that the checker has loaded: what its guard takes away is needed to load some."""


def main(batch: str, results: str, core: int) -> None:
    """Run all that the batch holds, pinned to `core` unless that is negative."""
    confinement.hide()
    if core >= 0:
        os.sched_setaffinity(0, {core})
    exec(solution.PRELUDE, {})  # so that no solution pays for it
    for name in LOADED:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    with open(batch, "rb") as lines, open(results, "ab", buffering=0) as out:  # noqa: PTH123
        os.unlink(batch)  # noqa: PTH108
        gc.freeze()
        out.write(b'{"ready": true}\n')
        problem: dict[str, Any] = {}
        for line in lines:
            item = json.loads(line)
            if "inputs" in item:
                problem = item
                continue
            found = run(problem, item["code"])
            out.write(json.dumps({"id": item["id"], **found}).encode() + b"\n")


def run(problem: dict[str, Any], code: str) -> dict[str, object]:
    """One solution: `tests` in order up to the first that failed to give anything."""
    began = time.monotonic()
    source, target = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            _prepare(target, problem["memory"])
            _solve(problem, code)
        finally:
            os._exit(0)
    os.close(target)
    tests: list[object] = []
    ended, detail = "died", ""
    reader = Reader(source, problem["output"])
    wanted = len(problem["inputs"]) + 1  # the first message says that it was loaded
    for _ in range(wanted):
        message = reader.message(problem["seconds"])
        if "given" in message:
            tests.append(message["given"])
        elif "loaded" not in message:
            ended, detail = str(message.get("ended", "died")), str(message.get("detail", ""))
            break
    else:
        ended = "finished"
    os.kill(child, signal.SIGKILL)
    os.close(source)
    _, status, used = os.wait4(child, 0)
    if ended == "died":
        detail = f"signal {status & 127}" if status & 127 else f"exit {status >> 8}"
    return {
        "tests": tests,
        "ended": ended,
        "detail": detail,
        "seconds": round(time.monotonic() - began, 4),
        "cpu_seconds": round(used.ru_utime + used.ru_stime, 4),
    }


class Reader:
    """Messages of a process that cannot be trusted: four bytes for the length, then JSON."""

    def __init__(self, source: int, room: int) -> None:
        self._source = source
        self._room = 2 * room  # JSON may need several bytes for a character
        self._data = bytearray()

    def message(self, seconds: float) -> dict[str, Any]:
        """The next message; one with the key `ended` where there is none in time."""
        deadline = time.monotonic() + seconds
        while True:
            if len(self._data) >= 4:
                length = int.from_bytes(self._data[:4], "big")
                if length > self._room + OVERHEAD:
                    return {"ended": "output"}
                if len(self._data) >= 4 + length:
                    text = bytes(self._data[4 : 4 + length])
                    del self._data[: 4 + length]
                    self._room -= length
                    return _parsed(text)
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self._source], [], [], left)[0]:
                return {"ended": "timeout"}
            data = os.read(self._source, CHUNK)
            if not data:
                return {"ended": "died"}
            self._data += data


def _parsed(text: bytes) -> dict[str, Any]:
    try:
        found = json.loads(text.decode("utf-8", "surrogatepass"))
    except (ValueError, RecursionError, MemoryError):
        return {"ended": "died"}
    return found if isinstance(found, dict) else {"ended": "died"}


def _prepare(target: int, memory: int) -> None:
    """In the new process: no descriptors but the way out, limits, and then the confinement."""
    empty = os.open(os.devnull, os.O_RDWR)
    os.dup2(target, 3)
    for number in range(3):
        os.dup2(empty, number)
    os.closerange(4, os.sysconf("SC_OPEN_MAX"))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    sys.stdin, sys.stdout, sys.stderr = (
        open(number, mode, closefd=False)  # noqa: SIM115
        for number, mode in ((0, "r"), (1, "w"), (2, "w"))
    )
    closed = open(0, closefd=False)  # noqa: SIM115
    closed.close()
    sys.__dict__["__stdin__"] = closed  # as the checker's own process has it
    sys.argv, sys.path[:] = ["solution"], sys.path[1:]
    confinement.confine()
    solution.guard()


def _solve(problem: dict[str, Any], code: str) -> None:
    """Load the solution and give it every input; sends a message after each step."""
    function, room = problem["function"], [problem["output"]]
    try:
        called = solution.load(code, function)
        inputs = problem["inputs"]
        inputs = [solution.arguments_of(text) for text in inputs] if function else inputs
        _send({"loaded": True})
        for each in inputs:
            if function:
                _send({"given": solution.run_function(called, each)})
            else:
                _send({"given": solution.run_program(called, each, room)})
    except solution.OutputFull:
        _send({"ended": "output"})
    except MemoryError:
        _send({"ended": "memory"})
    except Exception as error:  # noqa: BLE001 - a solution may raise anything
        _send({"ended": "error", "detail": f"{type(error).__name__}: {error}"[:300]})


def _send(message: dict[str, object]) -> None:
    data = json.dumps(message, ensure_ascii=False).encode("utf-8", "surrogatepass")
    data = len(data).to_bytes(4, "big") + data
    while data:
        data = data[os.write(3, data) :]


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
