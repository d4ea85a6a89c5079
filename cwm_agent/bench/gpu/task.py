"""A part of the check: what it is in the plan, and what its process is told."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Part:
    """One thing to find out, by a process of its own.

    `target` is "module:function", which takes a `Bench`. `seconds` is what it is
    expected to take, start included; it is killed after `limit`. `figures` are the
    goals that it gives. `needs` are parts that must not have failed before. `again`: whether
    it is tried once more when it fails.
    """

    name: str
    target: str
    seconds: float
    limit: float
    figures: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    arguments: dict[str, Any] = field(default_factory=dict)
    again: bool = True


@dataclass(frozen=True, slots=True)
class Pass:
    """Parts that follow each other; in a crowd they run side by side.

    `seconds` bounds the pass. `ceilings`: its parts are compared with the machine's.
    """

    name: str
    parts: tuple[Part, ...]
    crowd: bool = False
    seconds: float | None = None
    ceilings: bool = False


@dataclass(frozen=True, slots=True)
class Task:
    """What a worker process is given.

    `events` is the file to append to (see `events.py`). `seconds` are there for the part.
    `only` (kernel, shape) repeats one case. `ceilings` are bytes and operations a second.
    """

    part: str
    target: str
    device: str
    shape: str
    events: str
    seconds: float
    arguments: dict[str, Any] = field(default_factory=dict)
    only: tuple[str, str] | None = None
    ceilings: tuple[float, float] | None = None
    carried: str = ""
    environment: dict[str, str] = field(default_factory=dict)
