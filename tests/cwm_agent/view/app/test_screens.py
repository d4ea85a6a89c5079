"""Whole screens as they should look, in `screens/`; `WRITE_SCREENS=1` writes them anew.

Look at each before it is committed: alignment, what is cut, what is empty.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from driving import drive, screen_text, until
from made import PATCH, add_attempt
from marks import table
from textual.pilot import Pilot

from cwm_agent.commands.samples.weighing import Weighing
from cwm_agent.scaling.chosen import choose_all
from cwm_agent.scaling.selection.registry import recipe_named
from cwm_agent.scaling.storage import save_table, table_path
from cwm_agent.view.app.app import ViewerApp
from cwm_agent.view.app.glyphs import ASCII, UNICODE, Glyphs
from cwm_agent.view.sources.row import Row
from cwm_agent.view.sources.runs import RunSource
from results.records import RunInfo
from results.store import Run, Store

SCREENS = Path(__file__).parent / "screens"
LOOKS = 300
SIZES = ((80, 24), (120, 40), (200, 60))


async def same(name: str, pilot: Pilot[None], app: ViewerApp) -> None:
    """Wait until the screen is the one on file; what is read in the background may come late."""
    path = SCREENS / f"{name}.txt"
    if os.environ.get("WRITE_SCREENS"):
        await settled(pilot, app)
        path.parent.mkdir(exist_ok=True)
        path.write_text(drawn(app), "utf-8")
    wanted = path.read_text("utf-8")
    for _ in range(LOOKS):
        if drawn(app) == wanted:
            return
        await pilot.pause(0.1)
    assert drawn(app) == wanted, f"{path} differs; WRITE_SCREENS=1 writes it anew"


async def settled(pilot: Pilot[None], app: ViewerApp) -> None:
    """Wait until the screen has not changed for two seconds."""
    last, since = drawn(app), time.monotonic()
    while time.monotonic() - since < 2:
        await pilot.pause(0.1)
        if (now := drawn(app)) != last:
            last, since = now, time.monotonic()


def drawn(app: ViewerApp) -> str:
    return "\n".join(line.rstrip() for line in screen_text(app)) + "\n"


def reference(row: Row) -> str:
    return PATCH.replace("+new", "+newer") if row.instance == "flask-4010" else ""


@pytest.fixture
def weighed(run: Run) -> Run:
    """Two more samples, evidence about the four, a choice."""
    for sample in (2, 3):
        add_attempt(run, "flask-4010", sample, resolved=None)
    marks = {"a": "+ - u 3", "b": "+ + v 9", "c": "+ + v 8", "4": ". . . ."}
    found = table("e g d v", marks, instance="flask-4010")
    save_table(table_path(run.folder, "flask-4010"), found)
    choose_all(run, recipe_named("cwm"), [found])
    return run


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_every_tab_at_every_size(weighed: Run, size: tuple[int, int]) -> None:
    where = f"{size[0]}x{size[1]}"

    async def test(pilot: Pilot[None], app: ViewerApp) -> None:
        await until(pilot, lambda: "live" not in {row.state for row in app.session.shown})
        await same(f"list-{where}", pilot, app)
        app.main.choose(("first", "flask-4010", 0))
        await until(pilot, lambda: app.session.evidence is not None)
        await pilot.press("enter", "l", "l", "enter", "k")
        await pilot.pause(0.2)
        await same(f"steps-{where}", pilot, app)
        await pilot.press("d")
        await until(pilot, lambda: app.session.reference is not None)
        await same(f"patch-{where}", pilot, app)
        for key, name in (("3", "tests"), ("4", "tokens")):
            await pilot.press(key)
            await same(f"{name}-{where}", pilot, app)
        await pilot.press("c")
        await until(pilot, lambda: len(app.session.compared) == 4)
        await pilot.pause(0.2)
        await same(f"compare-{where}", pilot, app)
        await pilot.press("question_mark")
        await pilot.pause(0.2)
        await same(f"help-{where}", pilot, app)

    drive(
        weighed, test, size=size, weigh=Weighing({"first": weighed.folder}), reference_of=reference
    )


@pytest.mark.parametrize("glyphs", [UNICODE, ASCII], ids=["unicode", "ascii"])
def test_a_run_with_nothing_and_one_with_a_single_attempt(tmp_path: Path, glyphs: Glyphs) -> None:
    store = Store(tmp_path / "runs")
    kind = "ascii" if glyphs.ascii else "unicode"
    info = RunInfo("2026-11-22T10:00:00Z", ("cwm-agent", "run"))

    async def nothing(pilot: Pilot[None], app: ViewerApp) -> None:
        await pilot.pause(0.2)
        await same(f"nothing-{kind}", pilot, app)

    drive(store.create(info, "empty"), nothing, size=(100, 20), glyphs=glyphs)
    alone = store.create(info, "alone")
    add_attempt(alone, "a-very-long-organisation__and-a-repository-of-a-long-name-12345", 0)

    async def single(pilot: Pilot[None], app: ViewerApp) -> None:
        await until(pilot, lambda: app.session.opened is not None)
        await same(f"alone-{kind}", pilot, app)
        await pilot.press("f", *"xyz", "enter")
        await same(f"no-match-{kind}", pilot, app)

    drive(RunSource(alone), single, size=(100, 20), glyphs=glyphs)
