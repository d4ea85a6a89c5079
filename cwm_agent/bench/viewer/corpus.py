"""A run of any size, in the format of real ones: journals, results, `run.json`.

What commands print is cut from the modules of Python's own library, so that the words that a
search sees are as many and as varied as in real runs.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from results.files import write_record
from results.journal import Entry, encode_entry
from results.records import (
    AttemptResult,
    AttemptStarted,
    Ended,
    Event,
    Message,
    Observed,
    Replied,
    Reply,
    RunInfo,
    Snapshot,
    Submitted,
    ToolRan,
    Verdict,
)
from results.store import Run, Store

REPOSITORIES = ("astropy", "django", "flask", "matplotlib", "pytest-dev", "scikit-learn", "sympy")
START = datetime(2026, 11, 1, tzinfo=UTC)
PATCH = """\
diff --git a/{path} b/{path}
--- a/{path}
+++ b/{path}
@@ -{line},3 +{line},3 @@
 def {name}(value):
-    return value - {number}
+    return value + {number}
"""


@dataclass(frozen=True, slots=True)
class Shape:
    """How large. `output` is the mean number of characters that a command prints."""

    instances: int = 500
    samples: int = 8
    turns: int = 30
    output: int = 2_000
    seed: int = 1


def make_run(root: Path, shape: Shape, progress: Callable[[str], None] = print) -> Run:
    """Write the run; takes some seconds for each thousand attempts."""
    run = Store(root).create(RunInfo(START.isoformat(), ("cwm-agent", "run", "suite")), "large")
    pieces = library_pieces()
    for number in range(shape.instances):
        repository = REPOSITORIES[number % len(REPOSITORIES)]
        instance = f"{repository}__{repository}-{10_000 + number}"
        for sample in range(shape.samples):
            draw = random.Random(f"{shape.seed}/{number}/{sample}")
            folder = run.folder / instance / str(sample)
            folder.mkdir(parents=True)
            _write(folder, instance, sample, draw, shape, pieces)
        if number % 100 == 99:
            progress(f"{(number + 1) * shape.samples} of {shape.instances * shape.samples} written")
    return run


def library_pieces() -> list[str]:
    """Texts of Python's own modules."""
    files = sorted(Path(os.__file__).parent.glob("*.py"))[:120]
    return [path.read_text("utf-8", "replace") for path in files]


def _write(
    folder: Path, instance: str, sample: int, draw: random.Random, shape: Shape,
    pieces: Sequence[str],
) -> None:  # fmt: skip
    events = list(attempt_events(instance, sample, draw, shape, pieces))
    time = START
    lines = []
    for seq, event in enumerate(events):
        time += timedelta(seconds=draw.expovariate(0.2))
        stamp = time.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        lines.append(encode_entry(Entry(seq, stamp, event)))
    (folder / "events.jsonl").write_bytes(b"".join(lines))
    turns = sum(isinstance(event, Replied) for event in events)
    resolved = draw.random() < 0.42
    patch = next((event.patch for event in events if isinstance(event, Submitted)), "")
    verdict = Verdict(resolved, {"test_it": resolved}, {f"test_{n}": True for n in range(8)})
    result = AttemptResult(
        instance, sample, "submitted", patch, turns, (time - START).total_seconds(),
        turns * 9_000, turns * 240, "endpoint:cwm", "docker", "improved", "default",
        resolved, verdict,
    )  # fmt: skip
    write_record(folder / "result.json", result)


def attempt_events(
    instance: str, sample: int, draw: random.Random, shape: Shape, pieces: Sequence[str]
) -> list[Event]:
    """The events of one attempt: looks, runs, edits, some failures, a submission."""
    events: list[Event] = [
        AttemptStarted(instance, sample, "endpoint:cwm", "docker", "default@0", "improved", 1, "b"),
        Observed((Message("system", "You repair code."), Message("user", _cut(draw, pieces, 900)))),
    ]
    context = 3_000
    turns = max(3, round(draw.gauss(shape.turns, shape.turns / 4)))
    for turn in range(1, turns):
        path = f"src/{draw.choice(['core', 'util', 'models'])}/module_{draw.randrange(40)}.py"
        name = f"function_{draw.randrange(1000)}"
        thinking = " ".join(_cut(draw, pieces, 500).split())
        editing = draw.random() < 0.25
        if editing:
            call = (
                f"<tool: edit>\n{path}\n<<<<<<< SEARCH\n    return value - {turn}\n=======\n"
                f"    return value + {turn}\n>>>>>>> REPLACE\n</tool>"
            )
        else:
            call = f"<tool: bash>\ngrep -rn {name} {path} | head -{turn}\n</tool>"
        written = 180 + draw.randrange(120)
        ids = tuple(draw.randrange(128_000) for _ in range(written))
        reply = Reply(
            f"{thinking}\n</think>\nI look at {name}.\n{call}", ids, "stop",
            context, context - 50, context + written, draw.expovariate(0.3),
        )  # fmt: skip
        events.append(Replied(turn, reply))
        code = int(draw.random() < 0.15)
        output = _cut(draw, pieces, int(draw.expovariate(1 / shape.output)) + 20)
        if code:
            output += f"\nTraceback (most recent call last):\nKeyError: '{name}'"
        tool = "edit" if editing else "bash"
        events.append(
            ToolRan(
                turn, tool, ok=not (editing and code), seconds=draw.expovariate(0.5),
                ending=None if editing else "exited", exit_code=None if editing else code,
            )
        )  # fmt: skip
        if editing:
            patch = PATCH.format(path=path, line=turn, name=name, number=turn)
            events.append(Snapshot(turn, f"{turn:040x}", patch, "/testbed"))
        events.append(Observed((Message(f"tool: {tool}", output),)))
        context += written + len(output) // 4
    patch = PATCH.format(path="src/core/module_1.py", line=3, name="final", number=sample)
    last = Reply("<tool: submit>\n</tool>", (1, 2, 3), "stop", context, context, context + 3, 1.0)
    return [*events, Replied(turns, last), Submitted(turns, patch), Ended("submitted")]


def _cut(draw: random.Random, pieces: Sequence[str], size: int) -> str:
    piece = draw.choice(pieces)
    start = draw.randrange(max(1, len(piece) - size))
    return piece[start : start + size]
