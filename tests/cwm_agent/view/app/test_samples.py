"""Best of several in the viewer: evidence and choice, as `evidence` and `select` leave them."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from driving import drive, screen_text
from made import add_attempt
from marks import table
from textual.pilot import Pilot

from cwm_agent.commands.samples.weighing import Weighing
from cwm_agent.scaling.chosen import CHOICE_FILE, choose_all
from cwm_agent.scaling.selection.registry import recipe_named
from cwm_agent.scaling.storage import EVIDENCE_FILE, save_table, table_path
from cwm_agent.view.app.app import ViewerApp
from cwm_agent.view.app.glyphs import ASCII
from cwm_agent.view.sources.runs import RunSource
from results.store import Run

MARKS = {"a": "+ - u 3", "b": "+ + v 9", "c": "+ + v 8", "4": ". . . ."}
"""Two right ones that agree, one that fails the new test, one that changes nothing."""


@pytest.fixture
def weighed(run: Run) -> Run:
    """Four samples of flask-4010 with a table of evidence."""
    for sample in (2, 3):
        add_attempt(run, "flask-4010", sample, resolved=None)
    found = table("e g d v", MARKS, instance="flask-4010", size={"b": 20, "c": 10})
    save_table(table_path(run.folder, "flask-4010"), found)
    return run


def weighing(run: Run) -> Weighing:
    return Weighing({run.name: run.folder})


def choose(run: Run, recipe: str = "cwm") -> None:
    found = table("e g d v", MARKS, instance="flask-4010", size={"b": 20, "c": 10})
    choose_all(run, recipe_named(recipe), [found])


def test_every_sample_has_its_votes_tests_grade_posterior_and_the_rule_that_put_it_out(
    weighed: Run,
) -> None:
    choose(weighed, "posterior")
    row = next(row for row in RunSource(weighed).rows() if row.instance == "flask-4010")
    found = weighing(weighed)(row)
    assert found is not None
    assert (found.recipe, found.chosen) == ("posterior", 2)
    assert [(s.mark, s.group, s.votes) for s in found.samples] == [
        ("out", "B", 1), ("out", "A", 2), ("chosen", "A", 2), ("empty", "", 0),
    ]  # fmt: skip
    assert [s.rule for s in found.samples] == [
        "most probably right", "shortest patch", "", "changes nothing but tests and their settings",
    ]  # fmt: skip
    assert [[(t.kind, t.passed, t.of) for t in s.tallies] for s in found.samples[:2]] == [
        [("existing", 1, 1), ("generated", 0, 1)], [("existing", 1, 1), ("generated", 1, 1)],
    ]  # fmt: skip
    assert [s.grade for s in found.samples] == [0.3, 0.9, 0.8, None]
    chances = [s.chance for s in found.samples]
    assert chances[1] == chances[2] == found.probability
    assert chances[3] is None


def test_the_strip_stands_above_the_comparison(weighed: Run) -> None:
    choose(weighed)

    async def test(pilot: Pilot[None], app: ViewerApp) -> None:
        app.main.choose(("first", "flask-4010", 0))
        await pilot.pause(0.6)
        assert "#1 was chosen instead" in "\n".join(screen_text(app))
        await pilot.press("enter", "6")
        await pilot.pause(0.2)
        lines = screen_text(app)
        assert any("best of 4  sample 1 by cwm" in line for line in lines)
        assert any("votes    old    new grade    P" in line for line in lines)
        assert any("chosen" in line and "2 A    1/1    1/1  0.90" in line for line in lines)
        await pilot.press("c")
        await pilot.pause(0.6)
        assert any("actions are the same" in line for line in screen_text(app))
        app.main.choose(("first", "django-1", 0))
        await pilot.pause(0.6)
        assert "best of" not in "\n".join(screen_text(app))

    drive(weighed, test, weigh=weighing(weighed))


def test_a_table_without_a_choice_a_choice_without_a_table_and_a_damaged_one(weighed: Run) -> None:
    row = next(row for row in RunSource(weighed).rows() if row.instance == "flask-4010")
    open_ = weighing(weighed)(row)
    assert open_ is not None
    assert "cwm-agent select" in open_.hint
    assert {s.mark for s in open_.samples} == {"open", "empty"}
    choose(weighed)
    path = table_path(weighed.folder, "flask-4010")
    kept = shutil.copy(path, path.with_suffix(".kept"))
    path.unlink()
    alone = weighing(weighed)(row)
    assert alone is not None
    assert (alone.chosen, alone.samples) == (1, ())
    path.write_bytes(Path(kept).read_bytes()[:100])
    broken = weighing(weighed)(row)
    assert broken is not None
    assert "is damaged" in broken.problem
    other = replace(row, instance="django-1", path=weighed.folder / "django-1" / "0")
    assert weighing(weighed)(other) is None
    assert {EVIDENCE_FILE, CHOICE_FILE} <= {found.name for found in path.parent.iterdir()}


def test_hostile_names_of_tests_are_shown_as_text(weighed: Run) -> None:
    path = table_path(weighed.folder, "flask-4010")
    text = path.read_text().replace('"id": "1g"', '"id": "1g\\u001b[2J[red]"')
    path.write_text(text.replace('"1g":', '"1g\\u001b[2J[red]":'))

    async def test(pilot: Pilot[None], app: ViewerApp) -> None:
        app.main.choose(("first", "flask-4010", 0))
        await pilot.pause(0.6)
        await pilot.press("enter", "6", "Z")
        lines = screen_text(app)
        assert any("1g?[2J[red]: fail" in line for line in lines)
        assert all(line.isascii() for line in lines)

    drive(weighed, test, weigh=weighing(weighed), glyphs=ASCII)
