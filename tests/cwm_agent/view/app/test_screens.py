"""Whole screens as they should look, in `screens/`; `WRITE_SCREENS=1` writes them anew.

Look at each before it is committed: alignment, what is cut, what is empty.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from driving import drive, screen_text
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
SIZES = ((80, 24), (120, 40), (200, 60))


def same(name: str, app: ViewerApp) -> None:
    """Compare the screen with the one on file."""
    shown = "\n".join(line.rstrip() for line in screen_text(app)) + "\n"
    path = SCREENS / f"{name}.txt"
    if os.environ.get("WRITE_SCREENS"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(shown, "utf-8")
    assert shown == path.read_text("utf-8"), f"{path} differs; WRITE_SCREENS=1 writes it anew"


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
        same(f"list-{where}", app)
        app.main.choose(("first", "flask-4010", 0))
        await until(pilot, lambda: app.session.evidence is not None)
        await pilot.press("enter", "l", "l", "enter", "k")
        await pilot.pause(0.2)
        same(f"steps-{where}", app)
        await pilot.press("d")
        await until(pilot, lambda: app.session.reference is not None)
        same(f"patch-{where}", app)
        for key, name in (("3", "tests"), ("4", "tokens")):
            await pilot.press(key)
            same(f"{name}-{where}", app)
        await pilot.press("c")
        await until(pilot, lambda: len(app.session.compared) == 4)
        await pilot.pause(0.2)
        same(f"compare-{where}", app)
        await pilot.press("question_mark")
        await pilot.pause(0.2)
        same(f"help-{where}", app)

    drive(
        weighed, test, size=size, weigh=Weighing({"first": weighed.folder}), reference_of=reference
    )


async def until(pilot: Pilot[None], holds: Callable[[], bool]) -> None:
    for _ in range(400):
        if holds():
            await pilot.pause(0.05)
            return
        await pilot.pause(0.05)
    raise AssertionError(holds)


@pytest.mark.parametrize("glyphs", [UNICODE, ASCII], ids=["unicode", "ascii"])
def test_a_run_with_nothing_and_one_with_a_single_attempt(tmp_path: Path, glyphs: Glyphs) -> None:
    store = Store(tmp_path / "runs")
    kind = "ascii" if glyphs.ascii else "unicode"
    info = RunInfo("2026-11-22T10:00:00Z", ("cwm-agent", "run"))

    async def nothing(pilot: Pilot[None], app: ViewerApp) -> None:
        await pilot.pause(0.2)
        same(f"nothing-{kind}", app)

    drive(store.create(info, "empty"), nothing, size=(100, 20), glyphs=glyphs)
    alone = store.create(info, "alone")
    add_attempt(alone, "a-very-long-organisation__and-a-repository-of-a-long-name-12345", 0)

    async def single(pilot: Pilot[None], app: ViewerApp) -> None:
        await until(pilot, lambda: app.session.opened is not None)
        same(f"alone-{kind}", app)
        await pilot.press("f", *"xyz", "enter")
        same(f"no-match-{kind}", app)

    drive(RunSource(alone), single, size=(100, 20), glyphs=glyphs)
