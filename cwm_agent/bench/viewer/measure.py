"""The figures of `cwm-agent bench view`."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import asdict, dataclass, field
from pathlib import Path

from cwm_agent.bench.viewer.corpus import Shape, make_run
from cwm_agent.bench.viewer.terminal import Terminal
from cwm_agent.view.search.index import FILE, SearchIndex
from cwm_agent.view.sources.runs import RunSource
from results.store import Run, Store

WORDS = ("KeyError", "function_77", "return", "Traceback (most recent", "import os", "never there")
"""Searched for; some stand in nearly every step, one in none."""
KEYS = (b"j", b"j", b"k", b"j", b"2", b"1", b"\t", b"j", b"k", b"l", b"!", b"z", b"\x1b[6~", b"\t")
WAIT = 120.0


@dataclass(frozen=True, slots=True)
class ViewBench:
    """What is measured; `folder` keeps the run for another time, None makes it anew."""

    shape: Shape = field(default_factory=Shape)
    keys: int = 200
    folder: Path | None = None


@dataclass(frozen=True, slots=True)
class ViewFigures:
    """`first_paint_seconds` is from the start of the process until a row of the list is on the
    screen, with the run's index of rows at hand, as after a first look; `cold_paint_seconds`
    without it. `search_seconds` is the slowest of several searches.
    """

    first_paint_seconds: float
    cold_paint_seconds: float
    key_p95_ms: float
    rss_mib: float
    index_seconds: float
    search_seconds: float
    instances: int
    trajectories: int


def measure_view(bench: ViewBench, progress: Callable[[str], None]) -> ViewFigures:
    """Make the run, index it, start the program in a pseudo-terminal, press keys."""
    if bench.folder is not None:
        return _measure(bench, bench.folder, progress)
    with tempfile.TemporaryDirectory() as folder:
        return _measure(bench, Path(folder), progress)


def _measure(bench: ViewBench, folder: Path, progress: Callable[[str], None]) -> ViewFigures:
    shape = bench.shape
    if (folder / "large" / "run.json").exists():
        run = Store(folder).open("large")
    else:
        run = make_run(folder, shape, progress)
    for name in ("index.db", FILE, f"{FILE}-wal", f"{FILE}-shm"):
        (run.folder / name).unlink(missing_ok=True)
    cold, _, _ = _screen(run, 0)
    progress(f"first paint without an index {cold:.2f} s")
    index_seconds, search_seconds = _search(run)
    progress(f"index {index_seconds:.1f} s, slowest search {search_seconds:.3f} s")
    paint, pressed, rss = _screen(run, bench.keys)
    progress(f"first paint {paint:.2f} s, {len(pressed)} keys, {rss:.0f} MiB")
    return ViewFigures(
        first_paint_seconds=round(paint, 3),
        cold_paint_seconds=round(cold, 3),
        key_p95_ms=round(1000 * sorted(pressed)[int(0.95 * (len(pressed) - 1))], 1),
        rss_mib=round(rss, 1),
        index_seconds=round(index_seconds, 2),
        search_seconds=round(search_seconds, 4),
        instances=shape.instances,
        trajectories=sum(1 for _ in run.attempts()),
    )


def _search(run: Run) -> tuple[float, float]:
    source = RunSource(run)
    rows = list(source.rows())
    with closing(SearchIndex(run.folder / FILE, source)) as index:
        began = time.monotonic()
        index.update(rows)
        built = time.monotonic() - began
        slowest = 0.0
        for words in WORDS:
            began = time.monotonic()
            index.find(words)
            index.holding(words)
            slowest = max(slowest, time.monotonic() - began)
    return built, slowest


def _screen(run: Run, keys: int) -> tuple[float, list[float], float]:
    """First paint, the keys' times, and the memory after them."""
    terminal = Terminal(["view", str(run.folder)])
    try:
        painted = terminal.until(b"-10000", WAIT) - terminal.started
        if not keys:
            return painted, [], 0.0
        terminal.quiet(0.5)
        pressed = []
        for count in range(keys):
            answer = terminal.key(KEYS[count % len(KEYS)])
            terminal.quiet(0.05)
            if answer is not None:  # a key at the end of a list changes nothing
                pressed.append(answer)
        if len(pressed) < keys / 2:
            raise TimeoutError(f"the viewer answered {len(pressed)} of {keys} keys")
        return painted, pressed, terminal.rss_mib
    finally:
        terminal.close()


def view_lines(figures: ViewFigures) -> list[str]:
    """For people."""
    return [f"{name:<22} {value:>10,}" for name, value in asdict(figures).items()]


def to_json(figures: ViewFigures) -> dict[str, float]:
    """Plain values."""
    return asdict(figures)
