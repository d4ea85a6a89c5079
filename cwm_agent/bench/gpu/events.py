"""What a part tells while it runs: one JSON object a line, so that a crash loses only the last.

The part's process appends, the process that watches it reads when it has ended.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any


class Recorder:
    """Appends to a file of events; each line is on its way to the disk when a method returns."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def tell(self, kind: str, **data: Any) -> None:
        """One event of a kind; `data` must be JSON."""
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"kind": kind} | data) + "\n")

    def at(self, kernel: str, shape: str) -> None:
        """What is tried next: if the process ends now, this is what ended it."""
        self.tell("at", kernel=kernel, shape=shape)

    def add(self, name: str, value: float | bool, **details: Any) -> None:
        """A figure and what it was computed from; a number that is not finite is no figure."""
        if isinstance(value, float) and not math.isfinite(value):
            self.miss(name, f"failed: the measurement gave {value}")
        else:
            shown = value if isinstance(value, bool) else round(value, 4)
            self.tell("figure", name=name, value=shown, details=details)

    def miss(self, name: str, reason: str) -> None:
        """A figure could not be had."""
        self.tell("miss", name=name, reason=reason)


def read_events(path: Path) -> Iterator[dict[str, Any]]:
    """The events of a file in order; a line that a crash cut off is left out."""
    if not path.is_file():
        return
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            event = json.loads(line)
        except ValueError:
            continue
        if isinstance(event, dict) and "kind" in event:
            yield event
