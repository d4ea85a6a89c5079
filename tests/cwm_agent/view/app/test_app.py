"""The viewer's application, driven by keys on runs that the real writers made."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from driving import drive, screen_text, until
from made import add_attempt, events
from textual.pilot import Pilot

from cwm_agent.view.app.app import ViewerApp
from cwm_agent.view.app.glyphs import ASCII
from cwm_agent.view.app.keys import KEYS
from cwm_agent.view.app.screens.windows import Choice, Help, Question
from cwm_agent.view.app.session import TABS
from cwm_agent.view.search.index import SearchIndex
from cwm_agent.view.sources.row import Row
from cwm_agent.view.sources.runs import RunSource
from results.records import Message, Observed, RunInfo
from results.store import Run, Store

P = Pilot[None]


def test_the_list_the_tabs_and_moving_about(run: Run) -> None:
    async def test(pilot: P, app: ViewerApp) -> None:
        keys = [("django-1", 0), ("flask-4010", 0), ("flask-4010", 1)]
        assert [(row.instance, row.sample) for row in app.session.shown] == keys
        for number, name in enumerate(TABS, 1):
            await pilot.press(str(number))
            assert app.session.tab == name
            assert any(TABS[name][:4] in line for line in screen_text(app))
        await pilot.press("1", "]")
        await pilot.pause(0.3)
        assert app.session.opened is not None
        assert app.session.opened.instance == "flask-4010"
        await pilot.press("enter", "G")
        assert app.main.detail.at_end
        await pilot.press("g", "l", "l", "l", "enter")
        assert any("Look first" in line or "cat x.py" in line for line in screen_text(app))
        await pilot.press("escape")
        assert not app.main.in_detail
        await pilot.press("j", "k", "pagedown", "pageup", "ctrl+d", "ctrl+u", "L", "H", "tab")
        assert app.main.in_detail

    drive(run, test)


def test_finding_filtering_sorting_and_folding(run: Run) -> None:
    async def test(pilot: P, app: ViewerApp) -> None:
        await pilot.press("f", *"fail", "enter")
        assert {row.state for row in app.session.shown} == {"unresolved"}
        await pilot.press("f", *"xx>3", "enter")
        assert "xx is no number" in app.main.note
        await pilot.press("f", "ctrl+u", "enter")
        assert len(app.session.shown) == 3
        await pilot.press("s", "S")
        assert (app.session.sort, app.session.reverse) == ("#", True)
        await pilot.press("]")
        await pilot.pause(0.3)
        await pilot.press("slash", *"line 99", "enter")
        await until(pilot, lambda: not app.main.finder.busy)
        assert app.main.finder.says.startswith("'line 99' 1 of ")
        await pilot.press("n")
        assert app.main.finder.says.startswith("'line 99' 2 of ")
        await pilot.press("N", "escape", "g", "exclamation_mark")
        block = app.main.detail.block
        assert block is not None
        assert app.main.detail.outline.blocks[block].failed
        lines = len(app.main.detail.outline)
        await pilot.press("Z")
        assert len(app.main.detail.outline) != lines
        await pilot.press("t", "u", "m", "o", "z")

    drive(run, test)


def test_comparing_shows_where_samples_part_and_the_pivot_token(run: Run) -> None:
    async def test(pilot: P, app: ViewerApp) -> None:
        await pilot.press("]", "c")
        await pilot.pause(0.5)
        text = "\n".join(screen_text(app))
        assert "actions are the same" in text
        assert app.session.tab == "compare"
        assert [known.sample for known in app.session.compared] == [0, 1]
        assert "tokens part in row 1, token 3 of the reply" in text
        assert "#0 3  p 0.082, of the other 0.082" in text
        assert "#1 4  p 0.082, of the other 0.497" in text
        await pilot.press("=")

    drive(run, test)


def test_windows_open_and_close(run: Run, tmp_path: Path) -> None:
    async def test(pilot: P, app: ViewerApp) -> None:
        await pilot.press("question_mark")
        assert isinstance(app.screen, Help)
        await pilot.press("escape", "x")
        assert isinstance(app.screen, Choice)
        await pilot.press("enter")
        await pilot.pause(0.5)
        assert (tmp_path / "django-1.0.html").exists()
        await pilot.press("y")
        assert "copied" in app.main.note
        await pilot.press("Y")
        assert app.main.note == "copied: cwm-agent run x"
        await pilot.press("colon")
        await pilot.pause(0.3)
        assert type(app.screen).__name__ == "CommandPalette"
        await pilot.press("escape")

    drive(run, test, out=tmp_path)


def test_a_search_in_all_attempts_opens_the_step(run: Run) -> None:
    add_attempt(run, "zz-9", 0, output="a needle in the hay")
    index = SearchIndex(None, RunSource(run))
    index.update(RunSource(run).rows())

    async def test(pilot: P, app: ViewerApp) -> None:
        await pilot.press("ctrl+f", *"needle")
        await pilot.pause(0.4)
        await pilot.press("enter")
        await until(pilot, lambda: bool(app.main.finder.hits))
        assert app.session.opened is not None
        assert app.session.opened.instance == "zz-9"
        assert app.main.finder.says == "'needle' 1 of 1"
        await pilot.press("ampersand")

    drive(run, test, search=index)
    index.close()


class Recorded:
    """Controls of a run that is said to be live; keeps what was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str | None]] = []

    def status(self, run: str) -> dict[str, Any]:
        busy = {"id": "django-1/0", "doing": "bash pytest", "silent": 74.0, "turn": 3}
        return {"phase": "running", "workers": 4, "tokens_per_second": 21.0, "eta": 60.0,
                "engines": [{"kv_used": 0.5}], "active": [busy]}  # fmt: skip

    def ask(self, run: str, action: str, value: str | None = None) -> str:
        self.asked.append((action, value))
        return f"{action} {value or ''}"

    def shell(self, row: Row) -> list[str]:
        return ["true"]


def test_a_live_run_is_controlled_through_its_keys(run: Run) -> None:
    controls = Recorded()

    async def test(pilot: P, app: ViewerApp) -> None:
        await pilot.pause(1.2)
        assert "running 4 workers" in screen_text(app)[0]
        assert "KV 50%" in screen_text(app)[0]
        await pilot.press("p", "plus", "R", "X")
        await pilot.pause(0.2)
        assert isinstance(app.screen, Question)
        await pilot.press("y")
        await pilot.pause(0.3)
        assert sorted(controls.asked) == [
            ("cancel", "django-1/0"), ("pause", None), ("requeue", "django-1/0"), ("workers", "5"),
        ]  # fmt: skip

    drive(run, test, controls=controls)


def test_live_keys_do_nothing_where_nothing_lives(run: Run) -> None:
    async def test(pilot: P, app: ViewerApp) -> None:
        await pilot.press("p", "X", "a")
        assert type(app.screen).__name__ == "Main"

    drive(run, test)


def test_following_holds_on_to_the_newest_step(run: Run) -> None:
    attempt = run.attempt("live-1")
    with attempt.journal() as journal:
        for event in events("live-1", 0)[:5]:
            journal.append(event)

        async def test(pilot: P, app: ViewerApp) -> None:
            app.main.choose(("first", "live-1", 0))
            await pilot.pause(0.4)
            await pilot.press("F")
            for event in events("live-1", 0)[5:9]:
                journal.append(event)
            await pilot.pause(1.5)
            assert app.session.opened is not None
            assert len(app.session.opened.steps) == 2
            assert app.main.detail.at_end
            assert "following" in screen_text(app)[-1]
            await pilot.press("enter", "k")
            assert not app.main.following
            await pilot.press("end")
            assert app.main.following

        drive(run, test)


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)])
def test_every_size_is_drawn_in_ascii_alone_where_that_is_asked_for(
    run: Run, size: tuple[int, int]
) -> None:
    async def test(pilot: P, app: ViewerApp) -> None:
        lines = screen_text(app)
        assert len(lines) == size[1]
        assert any("flask-4010" in line for line in lines)
        await pilot.press("enter")
        await pilot.pause(0.2)
        lines = screen_text(app)
        assert any("cat x.py" in line for line in lines)
        assert any("1 Steps" in line for line in lines)
        for tab in "234567":
            await pilot.press(tab)
            assert [line for line in screen_text(app) if not line.isascii()] == []
        for window in ("question_mark", "x", "X"):
            await pilot.press(window)
            await pilot.pause(0.2)
            assert [line for line in screen_text(app) if not line.isascii()] == []
            await pilot.press("escape")

    drive(run, test, size=size, glyphs=ASCII)


def test_an_empty_run_and_a_damaged_journal(tmp_path: Path, run: Run) -> None:
    empty = Store(tmp_path / "runs").create(RunInfo("2026-11-22T10:00:00Z", ()), "none")

    async def nothing(pilot: P, app: ViewerApp) -> None:
        assert any("no attempts yet" in line for line in screen_text(app))
        await pilot.press(*(key.keys.split(",")[0] for key in KEYS if key.group == "Move"))

    drive(empty, nothing)
    path = run.find("django-1").events_path
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[:4], b"{}\n", *lines[5:]]))

    async def damaged(pilot: P, app: ViewerApp) -> None:
        await pilot.pause(0.5)
        text = "\n".join(screen_text(app))
        assert "what follows could not be read" in text
        assert "cat x.py" in text

    drive(run, damaged)


EVIL = (
    "\x1b]52;c;b3duZWQ=\x07\x1b[2J\x1b[1;1H\x00[red]markup[/red] [@click=app.quit]x[/]"
    "\x1b]8;;http://evil\x1b\\link\x1b]8;;\x1b\\ \u202egnp\u2066 漢字 e\u0301\u0301 👩‍👩‍👧"
)


def test_hostile_text_is_shown_as_text_and_huge_lines_do_not_freeze(run: Run) -> None:
    add_attempt(run, "aa-hostile[red]\x1b[31m", 0, output=EVIL + "\n" + "x" * 10_000_000)

    async def test(pilot: P, app: ViewerApp) -> None:
        assert app.session.opened is not None
        assert app.session.opened.instance.startswith("aa-hostile")
        await pilot.press("enter", "Z")
        for number in range(1, 8):
            await pilot.press(str(number))
            text = "\n".join(screen_text(app))
            assert not {"\x1b", "\x00", "\x07", "\u202e", "\u2066"} & set(text)
        await pilot.press("1", "slash", *"markup", "enter")
        await until(pilot, lambda: not app.main.finder.busy)
        assert any("[red]markup[/red]" in line for line in screen_text(app))

    drive(run, test, size=(200, 60))


def test_observations_without_steps_do_no_harm(run: Run) -> None:
    with run.attempt("aa-1").journal() as journal:
        journal.append(Observed((Message("user", "only this"),)))

    async def test(pilot: P, app: ViewerApp) -> None:
        await pilot.press("enter", "exclamation_mark", "l", "Z", "F", "c")
        assert "Traceback" not in "\n".join(screen_text(app))

    drive(run, test)
