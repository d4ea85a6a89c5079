"""The text of each step for the index, read as fast as JSON can be read: nothing is checked."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from cwm_agent.view.sources.row import Row
from cwm_agent.view.sources.source import Source
from cwm_agent.view.trajectory.trajectory import Trajectory


def texts_of(row: Row, source: Source) -> Iterator[tuple[int, str]]:
    """Step and text, in order; what cannot be read is left out."""
    if row.path.is_dir():
        yield from journal_texts(row.path / "events.jsonl")
        return
    yield from trajectory_texts(source.open(row).trajectory())


def journal_texts(path: Path) -> Iterator[tuple[int, str]]:
    """Replies and what was answered to them, a text for each step; step 0 is the opening."""
    step, parts = 0, list[str]()
    try:
        file = path.open("rb")
    except OSError:
        return
    with file:
        for line in file:
            try:
                event = json.loads(line)
                kind, data = event["kind"], event["data"]
                if kind == "replied":
                    yield step, "\n".join(parts)
                    step, parts = step + 1, [data["reply"]["text"]]
                elif kind == "observed":
                    parts += [message["text"] for message in data["messages"]]
                elif kind in ("submitted", "ended"):
                    parts.append(str(data.get("detail", "")))
            except (ValueError, LookupError, TypeError, RecursionError):
                continue
    yield step, "\n".join(map(str, parts))


def trajectory_texts(known: Trajectory) -> Iterator[tuple[int, str]]:
    """The same of a trajectory that is read already."""
    yield 0, "\n".join(message.text for message in known.opening)
    for step in known.steps:
        yield (
            step.number,
            "\n".join((step.thinking, step.prose, step.action.body, step.observation, step.error)),
        )
