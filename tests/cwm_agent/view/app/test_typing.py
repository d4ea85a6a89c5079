"""Keys that are typed fast, and keys that were remapped."""

from __future__ import annotations

from driving import drive
from textual import events as events_of
from textual.pilot import Pilot

from cwm_agent.view.app.app import ViewerApp
from cwm_agent.view.app.screens.windows import Help
from results.store import Run

P = Pilot[None]


def test_words_typed_ahead_are_no_keys_of_the_list(run: Run) -> None:
    async def test(pilot: P, app: ViewerApp) -> None:
        for key in ("slash", *"qX", "slash", "f", "enter"):
            app.post_message(events_of.Key(key, {"slash": "/", "enter": "\r"}.get(key, key)))
        for _ in range(100):
            await pilot.pause(0.02)
            if app.main.finder.words:
                break
        assert app.main.finder.words == "qX/f"
        assert app.is_running

    drive(run, test)


def test_keys_can_be_remapped(run: Run) -> None:
    async def test(pilot: P, app: ViewerApp) -> None:
        await pilot.press("f8")
        assert isinstance(app.screen, Help)

    drive(run, test, keymap={"help": "f8"})
