"""How fast the engines of a run go, from what their counters say now and then."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from model.stats import EngineStats

WINDOW = 30.0
"""Seconds over which a speed is taken."""

Loads = Callable[[], Mapping[str, EngineStats]]
"""Looks at all engines of a run, by name; at once and from any thread."""


@dataclass(frozen=True, slots=True)
class EngineStatus:
    """One engine: its counters (see EngineStats) and the speeds that follow from them.

    `tokens_per_second` counts what it writes, `prefill_per_second` what it reads.
    """

    name: str
    tokens_per_second: float
    prefill_per_second: float
    prefilled: int
    cached: int
    decoded: int
    running: int
    waiting: int
    kv_used: float | None


class Speed:
    """How fast a sum grows, over the last `WINDOW` seconds in which it was looked at."""

    def __init__(self) -> None:
        self._seen: deque[tuple[float, int]] = deque()
        self._lock = threading.Lock()

    def of(self, now: float, total: int) -> float:
        """The growth a second up to now."""
        with self._lock:
            self._seen.append((now, total))
            while len(self._seen) > 1 and self._seen[0][0] < now - WINDOW:
                self._seen.popleft()
            then, before = self._seen[0]
        return round((total - before) / (now - then), 1) if now > then else 0.0


class Throughput:
    """Looks at the engines that `loads` names."""

    def __init__(self, loads: Loads) -> None:
        self._loads = loads
        self._speeds: dict[tuple[str, str], Speed] = {}

    def look(self, now: float) -> tuple[EngineStatus, ...]:
        """Every engine at this moment."""
        return tuple(self._status(name, load, now) for name, load in self._loads().items())

    def _status(self, name: str, load: EngineStats, now: float) -> EngineStatus:
        return EngineStatus(
            name=name,
            tokens_per_second=self._speed(name, "decoded").of(now, load.decoded),
            prefill_per_second=self._speed(name, "prefilled").of(now, load.prefilled),
            prefilled=load.prefilled,
            cached=load.cached,
            decoded=load.decoded,
            running=load.running,
            waiting=load.waiting,
            kv_used=None if load.kv_used is None else round(load.kv_used, 4),
        )

    def _speed(self, name: str, counter: str) -> Speed:
        return self._speeds.setdefault((name, counter), Speed())


def fullest(engines: tuple[EngineStatus, ...]) -> float | None:
    """The KV use of the engine that has least left; None when none can tell."""
    return max((e.kv_used for e in engines if e.kv_used is not None), default=None)
