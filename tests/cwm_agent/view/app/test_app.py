"""The viewer's application, driven by keys on runs that the real writers made."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from textual.pilot import Pilot

from cwm_agent.view.app.app import ViewerApp
from cwm_agent.view.app.glyphs import UNICODE
from cwm_agent.view.app.session import Session
from cwm_agent.view.sources.runs import RunSource
from results.store import Run

Drive = Callable[[Pilot[None], ViewerApp], Awaitable[None]]


def drive(run: Run, test: Drive, size: tuple[int, int] = (120, 40), **options: object) -> None:
    """Open a run in an application without a terminal and let `test` press keys."""

    async def go() -> None:
        app = ViewerApp(Session(RunSource(run), UNICODE), **options)  # type: ignore[arg-type]
        async with app.run_test(size=size) as pilot:
            for _ in range(400):
                if app.session.opened is not None:
                    break
                await pilot.pause(0.02)
            await test(pilot, app)

    asyncio.run(go())


def test_the_list_and_the_first_attempt_are_shown(run: Run) -> None:
    async def test(pilot: Pilot[None], app: ViewerApp) -> None:
        assert [row.key for row in app.session.shown] == [
            ("first", "django-1", 0), ("first", "flask-4010", 0), ("first", "flask-4010", 1),
        ]  # fmt: skip
        assert app.session.opened is not None
        assert app.session.opened.instance == "django-1"

    drive(run, test)


@pytest.mark.parametrize("tab", range(1, 8))
def test_every_tab_has_its_key(run: Run, tab: int) -> None:
    async def test(pilot: Pilot[None], app: ViewerApp) -> None:
        await pilot.press(str(tab))
        names = ["steps", "patch", "tests", "tokens", "log", "compare", "info"]
        assert app.session.tab == names[tab - 1]

    drive(run, test)


def test_a_filter_narrows_the_list_and_a_wrong_one_is_explained(run: Run) -> None:
    async def test(pilot: Pilot[None], app: ViewerApp) -> None:
        await pilot.press("f", *"fail", "enter")
        assert {row.state for row in app.session.shown} == {"unresolved"}
        await pilot.press("f", *"xx>3", "enter")
        assert "xx is no number" in app.main.note

    drive(run, test)


def test_searching_goes_from_hit_to_hit(run: Run) -> None:
    async def test(pilot: Pilot[None], app: ViewerApp) -> None:
        await pilot.press("]", "enter")
        await pilot.pause(0.3)
        await pilot.press("slash", *"line 99", "enter")
        assert app.main.finder.says.startswith("'line 99' 1 of ")
        await pilot.press("n")
        assert app.main.finder.says.startswith("'line 99' 2 of ")

    drive(run, test)
