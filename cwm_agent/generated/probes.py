"""What a function does, found by running it; used to prove that a bug is one."""

from __future__ import annotations

import ast
import json
import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

from cwm_agent.generated.templates.template import Arguments, MakeArguments

PROBES = 40
"""Calls that are compared."""
LEAST_CHANGED = 2
"""Calls that must give another result for a mutation to count as a bug."""
RUN_SECONDS = 0.2
"""CPU time for all probes of one function; a mutant may loop forever."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """`text` is the repr of the result, or `TypeName: message` of what was raised."""

    text: str
    raised: bool = False


@dataclass(frozen=True, slots=True)
class Probe:
    """One call: its arguments, written out, with the outcome before and after a change."""

    arguments: str
    right: Outcome
    wrong: Outcome


class TooSlowError(Exception):
    """The function did not come to an end in time."""


def draw_arguments(make: MakeArguments, rng: random.Random, count: int = PROBES) -> list[str]:
    """Different argument lists as they stand between the parentheses of a call."""
    drawn = (", ".join(map(repr, make(rng))) for _ in range(count))
    return list(dict.fromkeys(drawn))


def outcomes(source: str, name: str, arguments: list[str]) -> list[Outcome]:
    """The outcome of each call, the same in every process; raises SyntaxError or TooSlowError.

    Python orders a set of texts by their hashes, which differ from process to
    process: where that may show, the calls run in one whose hash seed is 0.
    """
    if sys.flags.hash_randomization and _may_show_set_order(source, arguments):
        return _with_hash_seed_0(source, name, arguments)
    return _run(source, name, arguments)


def _may_show_set_order(source: str, arguments: list[str]) -> bool:
    if not any("'" in written or '"' in written for written in arguments):
        return False  # sets of numbers have one order
    return any(
        isinstance(node, ast.Set | ast.SetComp)
        or (isinstance(node, ast.Name) and node.id in ("set", "frozenset"))
        for node in ast.walk(ast.parse(source))
    )


def _with_hash_seed_0(source: str, name: str, arguments: list[str]) -> list[Outcome]:
    compile(source, "<nano>", "exec")  # a SyntaxError is for the caller
    done = subprocess.run(
        [sys.executable, "-m", "cwm_agent.generated.probes"],
        input=json.dumps([source, name, arguments]),
        env=os.environ | {"PYTHONHASHSEED": "0"},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    found = json.loads(done.stdout)
    if found is None:
        raise TooSlowError
    return [Outcome(*fields) for fields in found]


def _main() -> None:
    """The part of `_with_hash_seed_0` in the other process; null where a call was too slow."""
    source, name, arguments = json.load(sys.stdin)
    try:
        found = [(one.text, one.raised) for one in _run(source, name, arguments)]
    except TooSlowError:
        found = None
    json.dump(found, sys.stdout)


def _run(source: str, name: str, arguments: list[str]) -> list[Outcome]:
    space: dict[str, object] = {}
    exec(compile(source, "<nano>", "exec"), space)
    function = space[name]
    assert callable(function)
    found: list[Outcome] = []
    with time_limit(RUN_SECONDS):
        for written in arguments:
            values: Arguments = ast.literal_eval(f"({written},)") if written else ()
            try:
                found.append(Outcome(repr(function(*values))))
            except TooSlowError:
                raise
            except Exception as error:  # noqa: BLE001 - whatever a bug raises is its outcome
                found.append(Outcome(_last_line(error), raised=True))
    return found


def compare(right: list[Outcome], wrong: list[Outcome], arguments: list[str]) -> list[Probe]:
    """The probes of one change."""
    return [Probe(*found) for found in zip(arguments, right, wrong, strict=True)]


def changed(probes: list[Probe]) -> list[Probe]:
    """Those whose outcome differs, if the right one is a result."""
    return [probe for probe in probes if probe.right != probe.wrong and not probe.right.raised]


def _last_line(error: Exception) -> str:
    """The last line of the traceback that Python prints."""
    text = str(error)
    name = type(error).__name__
    return f"{name}: {text}".splitlines()[-1] if text else name


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise TooSlowError in this thread, the main one, after `seconds` of CPU time.

    Not of wall time: what is drawn must not depend on how busy the machine is.
    """

    def expire(_signal: int, _frame: FrameType | None) -> None:
        raise TooSlowError

    before = signal.signal(signal.SIGVTALRM, expire)
    # Again and again: raised in a callback of the garbage collector, it would be lost.
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


if __name__ == "__main__":
    _main()
