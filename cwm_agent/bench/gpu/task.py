"""A part of the check: what it is in the plan, what is wanted, and what its process is told."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

_CPU_LIMIT_FACTOR = 10.0  # times the limits of parts, without a GPU


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


@dataclass(frozen=True, slots=True)
class Settings:
    """What is wanted: which device and shape, how long, which parts by patterns of their names.

    A pattern also fits all parts of the pass of that name. `processes` run side by side in a
    crowd. `carried` is a folder of what was prepared elsewhere (see `process.CARRIED`).
    """

    device: str
    shape: str
    seconds: float
    out: Path
    only: tuple[str, ...] = ()
    skip: tuple[str, ...] = ()
    processes: int = field(default_factory=lambda: min(12, os.cpu_count() or 1))
    commit: str = ""
    carried: Path | None = None

    @property
    def limit_factor(self) -> float:
        """By what limits are multiplied: they are those of a machine with a GPU."""
        return 1.0 if self.device == "cuda" else _CPU_LIMIT_FACTOR

    def wants(self, part: Part, of: Pass) -> bool:
        """Whether a part is to be carried out."""

        def fits(patterns: Iterable[str]) -> bool:
            return any(fnmatch(part.name, pattern) or of.name == pattern for pattern in patterns)

        return (not self.only or fits(self.only)) and not fits(self.skip)
