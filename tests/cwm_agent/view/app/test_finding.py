"""Words in the open attempt: found in a thread, in pieces, while keys are answered."""

from __future__ import annotations

import threading

import pytest
from driving import drive, screen_text, until
from rich.text import Text
from textual.pilot import Pilot

from cwm_agent.view.app import outline as outlines
from cwm_agent.view.app.app import ViewerApp
from cwm_agent.view.app.outline import Block, Hit, Outline, lines_with
from cwm_agent.view.app.screens.finder import Finder
from cwm_agent.view.app.session import Session
from results.store import Run

P = Pilot[None]
TIMEOUT = 60.0


class Gate:
    """The text of a step that no thread but the screen's gets before a key was answered."""

    def __init__(self) -> None:
        self.asked, self.answered, self.in_time = threading.Event(), threading.Event(), False

    def __call__(self) -> str:
        if threading.current_thread() is not threading.main_thread():
            self.asked.set()
            self.in_time = self.answered.wait(TIMEOUT)
        return "a needle"


def gated(app: ViewerApp) -> Gate:
    """Put the gate into the shown tab."""
    gate = Gate()
    session: Session = app.session
    session.outline("steps", 80).blocks[-1].raw = gate
    return gate


def test_keys_are_answered_while_a_search_goes_on(run: Run) -> None:
    async def test(pilot: P, app: ViewerApp) -> None:
        gate = gated(app)
        await pilot.press("enter", "g", "slash", *"needle", "enter")
        await until(pilot, gate.asked.is_set)
        assert "looking for 'needle'" in screen_text(app)[-1]
        await pilot.press("j", "n")
        assert app.main.detail.cursor == 1
        gate.answered.set()
        await until(pilot, lambda: not app.main.finder.busy)
        assert gate.in_time
        assert app.main.finder.says == "'needle' 1 of 1"
        assert app.main.detail.block == len(app.main.detail.outline.blocks) - 1

    drive(run, test)


@pytest.mark.parametrize("keys", [("escape",), ("2",), ("slash", *"other", "enter")])
def test_a_search_that_nobody_waits_for_any_more_moves_nothing(
    run: Run, keys: tuple[str, ...]
) -> None:
    async def test(pilot: P, app: ViewerApp) -> None:
        gate = gated(app)
        await pilot.press("enter", "g", "slash", *"needle", "enter")
        await until(pilot, gate.asked.is_set)
        given_up = app.main.finder
        await pilot.press(*keys)
        gate.answered.set()
        await until(pilot, lambda: not app.main.finder.busy)
        await pilot.app.workers.wait_for_complete()
        assert app.main.finder is not given_up
        assert "needle" not in app.main.finder.says

    drive(run, test)


def test_hits_in_what_is_no_longer_there_are_forgotten(run: Run) -> None:
    async def test(pilot: P, app: ViewerApp) -> None:
        app.main.finder = Finder("gone", [Hit(0, -1), Hit(10_000, 3)])
        await pilot.press("enter", "n", "n", "N")
        assert app.main.finder.says == "'gone' 1 of 1"

    drive(run, test)


@pytest.mark.parametrize("size", [1, 2, 7, 1000])
@pytest.mark.parametrize(
    ("words", "raw", "lines"),
    [
        ("ab", "ab\nAB ab\n\nxab", [0, 1, 3]),
        ("AB", "ab\nAB ab\n\nxab", [1]),
        ("aa", "aaaa\naa", [0, 1]),
        ("a b", "a\nb a b", [1]),
        ("i", "\u0130\n\u0130x\nno", [0, 1]),
        ("x", "", []),
        ("\u6f22e", "\u6f22\u6f22e\n\ud800\u6f22E", [0, 1]),
    ],
)
def test_lines_are_found_whatever_pieces_a_text_is_read_in(
    monkeypatch: pytest.MonkeyPatch, size: int, words: str, raw: str, lines: list[int]
) -> None:
    monkeypatch.setattr(outlines, "PIECE", size)
    assert [line for line in lines_with(words, raw) if line is not None] == lines


def test_headings_count_and_a_search_that_is_stopped_finds_nothing() -> None:
    outline = Outline([Block(Text("needle"), lambda: "no\na needle")])
    assert outline.find("needle") == [Hit(0, -1), Hit(0, 1)]
    assert outline.find("needle", lambda: True) == []
    assert outline.find("") == []
