"""A large journal is read in pieces: the first steps are seen before the last are read."""

from __future__ import annotations

import pytest
from driving import drive, screen_text, until
from made import add_attempt
from textual.pilot import Pilot

from cwm_agent.view.app import app as application
from cwm_agent.view.app.app import ViewerApp
from cwm_agent.view.app.session import TABS
from cwm_agent.view.search.index import SearchIndex
from cwm_agent.view.sources.runs import RunSource
from results.store import Run

P = Pilot[None]


def opened_in_pieces(run: Run, monkeypatch: pytest.MonkeyPatch, piece: int) -> tuple[int, str]:
    """How often the attempt was shown, and what every tab shows in the end."""
    monkeypatch.setattr(application, "PIECE", piece)
    shown: list[int] = []
    tabs: list[str] = []

    async def test(pilot: P, app: ViewerApp) -> None:
        await until(pilot, lambda: len(app.session.opened.steps) == 3 and app._unread is None)  # type: ignore[union-attr]
        for number in range(1, len(TABS) + 1):
            await pilot.press(str(number))
            tabs.extend(screen_text(app))

    show = ViewerApp._opened
    monkeypatch.setattr(
        ViewerApp, "_opened", lambda self, *given: (shown.append(1), show(self, *given))
    )
    drive(run, test)
    return len(shown), "\n".join(tabs)


def test_what_is_shown_in_the_end_does_not_depend_on_the_pieces(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_one, whole = opened_in_pieces(run, monkeypatch, 1 << 30)
    in_many, same = opened_in_pieces(run, monkeypatch, 1)
    assert same == whole
    assert in_many > in_one


def test_a_hit_in_the_last_step_waits_until_it_is_read(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(application, "PIECE", 1)
    add_attempt(run, "zz-9", 0, output="a needle in the hay")
    index = SearchIndex(None, RunSource(run))
    index.update(RunSource(run).rows())

    async def test(pilot: P, app: ViewerApp) -> None:
        await pilot.press("ctrl+f", *"needle")
        await until(pilot, lambda: "zz-9" in "\n".join(screen_text(app)))
        await pilot.press("enter")
        await until(pilot, lambda: bool(app.main.finder.hits))
        assert app.main.finder.says == "'needle' 1 of 1"

    drive(run, test, search=index)
    index.close()


def test_pieces_of_a_journal_end_with_a_line(run: Run) -> None:
    source = RunSource(run)
    row = next(iter(source.rows()))
    reader = source.open(row, 1)
    polls = 1
    while reader.poll(1):
        polls += 1
    assert polls == sum(1 for _ in reader.reader.attempt.events_path.open())
    assert reader.trajectory() == source.open(row).trajectory()
