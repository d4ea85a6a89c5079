"""The textual screen, driven by its keys, over a model that knows the truth."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest
from jumping import true_jumps
from scripted import SOURCE, form, predictor, truthful
from textual.pilot import Pilot

from cwm_agent.debug.core.debugger import Debugger
from cwm_agent.debug.predict.scripted import recorded
from cwm_agent.debug.record.here import record_here
from cwm_agent.debug.screen.app import DebuggerApp
from cwm_agent.debug.screen.keys import KEYS
from cwm_agent.debug.screen.windows import Told
from cwm_agent.view.app.glyphs import ASCII, UNICODE, Glyphs
from cwm_agent.view.app.screens.windows import Choice

P = Pilot[None]
Test = Callable[["Driven"], Awaitable[None]]


class Driven:
    """The application, and what is on its screen."""

    def __init__(self, app: DebuggerApp, pilot: P) -> None:
        self.app, self.pilot, self.main = app, pilot, app.main

    async def press(self, *keys: str) -> None:
        """Keys, one after the other, each after the work of the one before."""
        for key in keys:
            await self.pilot.press(key)
            await self.rest()

    async def say(self, key: str, text: str) -> None:
        """A key that asks, and the answer."""
        await self.pilot.press(key)
        self.main.prompt.value = text
        await self.press("enter")

    async def rest(self) -> None:
        for _ in range(2000):
            await self.pilot.pause(0.005)
            if not self.main.busy:
                break
        await self.pilot.pause()

    @property
    def line(self) -> int | None:
        return self.main.debugger.here.line

    def shown(self) -> str:
        strips = self.app.screen._compositor.render_strips()
        return "\n".join("".join(segment.text for segment in strip) for strip in strips)


def drive(
    test: Test,
    size: tuple[int, int] = (120, 40),
    glyphs: Glyphs = UNICODE,
    wrong: bool = False,
    jumps: bool = False,
) -> None:
    model, read, recording = true_jumps(SOURCE) if jumps else truthful(SOURCE)
    if wrong:  # the first item is thought to be 4
        frames = [
            replace(one, locals=tuple((n, "4" if v == "3" else v) for n, v in one.locals))
            for one in recording.frames
        ]
        model = predictor(recorded(form(), frames))

    async def go() -> None:
        with Debugger(model, read) as debugger:
            app = DebuggerApp(debugger, record_here, "program.py", glyphs)
            async with app.run_test(size=size) as pilot:
                driven = Driven(app, pilot)
                await driven.rest()
                await test(driven)

    asyncio.run(go())


def test_stepping_forth_and_back_shows_source_variables_and_stack() -> None:
    async def test(it: Driven) -> None:
        assert it.line == 9
        await it.press("s", "n", "s", "right", "right")
        assert it.line == 3
        shown = it.shown()
        assert "items = [3, 8, 5]" in shown
        assert "> total()" in shown
        assert "main()" in shown
        await it.press("s", "s", "u", "left")
        assert it.line == 3
        known = it.main.debugger.here.index
        await it.press("G")
        assert it.main.debugger.here.index == known + 2
        await it.press("g")
        assert it.line == 9
        await it.press("n", "n", "s", "r")
        assert it.main.debugger.here.left
        assert "=> 13" in it.shown()
        await it.press("o")
        assert it.line == 12
        await it.press("s", "s", "o", "N", "ctrl+r")
        assert it.line == 9

    drive(test)


def test_breakpoints_conditions_and_watches_stop_a_run() -> None:
    async def test(it: Driven) -> None:
        await it.press("k", "j", *"kkkk")
        assert it.main.cursor == 5
        await it.press("b", "c")
        assert it.line == 5
        assert "breakpoint" in it.main.note
        await it.press("c", "B")
        assert it.line == 5
        await it.press("space")
        assert not it.main.debugger.stops.breakpoints
        await it.press("j")
        await it.say("i", "result == 13")
        await it.press("c")
        assert it.line == 6
        await it.press("g", "n", "n", "s", "s", "s")
        await it.say("w", "result")
        await it.press("c")
        assert "result: 0 -> 8" in it.main.note
        assert "w result = 8" in it.shown()
        await it.press("j", "j", "j", "j", "j", "b")
        assert "no code" in it.main.note or it.main.debugger.stops.breakpoints

    drive(test)


def test_what_ifs_make_a_tree_that_can_be_walked() -> None:
    async def test(it: Driven) -> None:
        await it.press("s", "n", "s", "s", "s")
        await it.say("e", "result = 100")
        scope = it.main.debugger.here.scope
        assert scope is not None
        assert scope.locals["result"] == "100"
        assert "result = 100" in it.shown()
        await it.press("tab")
        assert it.main.debugger.here.scope is not None
        assert it.main.debugger.here.scope.locals["result"] == "0"
        await it.press("t")
        assert isinstance(it.app.screen, Choice)
        await it.press("down", "enter")
        assert it.main.debugger.here.scope.locals["result"] in ("0", "100")
        await it.press("R")
        assert len(it.main.debugger.node.branches) == 3
        await it.press("a")
        assert isinstance(it.app.screen, Choice)
        await it.press("enter")
        assert len(it.main.debugger.node.branches) == 4

    drive(test)


def test_verify_marks_the_timeline_and_tells_the_first_difference() -> None:
    async def test(it: Driven) -> None:
        await it.press("c", "V")
        assert isinstance(it.app.screen, Told)
        assert "false from step" in str(it.app.screen.text)
        assert "item" in str(it.app.screen.text)
        await it.press("escape")
        timeline = it.shown().split("\n")[-2]
        assert "x" in timeline

    drive(test, wrong=True)


def test_telling_keys_the_prompt_and_the_help() -> None:
    async def test(it: Driven) -> None:
        await it.press("s", "s")
        await it.say("p", "values")
        assert it.main.note == "[3, 8, 5]"
        await it.say("p", "nothing + 1")
        assert "not defined" in it.main.note
        await it.press("y", "f")
        assert not it.main.debugger.legal
        assert "free" in it.shown().split("\n")[0]
        await it.press("f", "W")
        assert "true" in it.main.note or isinstance(it.app.screen, Told)
        await it.press("escape")
        await it.say("colon", "until 12")
        assert it.line == 12
        await it.say("colon", "nonsense")
        assert "no command" in it.main.note
        await it.press("U", "question_mark")
        assert isinstance(it.app.screen, Told)
        assert all(key.says[:20] in str(it.app.screen.text) for key in KEYS)
        await it.press("q", "q")
        assert not it.app.is_running

    drive(test)


def test_jumps_are_shown_and_their_notes_too() -> None:
    async def test(it: Driven) -> None:
        assert "inside the program, jumps" in it.shown().split("\n")[0]
        await it.press("n", "n", "n")
        assert it.line == 12
        assert it.main.note == "[step over: perhaps over the call of total()]"
        await it.press("u", "s", "r")
        assert it.line == 6
        assert "over steps that were not predicted" in it.main.note
        await it.press("u", "u", "k", "k")
        assert it.main.note == ""
        await it.say("colon", "break 7")
        assert "no code of a function" in it.main.note
        await it.say("colon", "until 5")
        assert it.line == 5
        await it.say("e", "result = 100")
        assert "result = 100, breakpoint" in it.shown()
        await it.press("u", "a")
        await it.press("escape")
        await it.press("c")
        assert "the program has ended" in it.main.note
        assert "the program has ended" in it.shown().split("\n")[0]

    drive(test, jumps=True)


def test_every_key_is_bound_once_and_has_an_action() -> None:
    from cwm_agent.debug.screen.main import Main

    keys = [one for key in KEYS for one in key.keys.split(",")]
    assert len(keys) == len(set(keys))
    for key in KEYS:
        name = key.action.partition("(")[0]
        assert name == "app.quit" or hasattr(Main, f"action_{name}"), name


@pytest.mark.parametrize(
    ("size", "glyphs"), [((80, 24), ASCII), ((120, 40), UNICODE), ((40, 12), ASCII)]
)
def test_small_screens_and_ascii_show_all_panes(size: tuple[int, int], glyphs: Glyphs) -> None:
    async def test(it: Driven) -> None:
        await it.press("s", "n", "s", "s")
        shown = it.shown()
        assert glyphs is UNICODE or shown.isascii()
        lines = shown.split("\n")
        assert len(lines) == size[1]
        assert all(len(line) == size[0] for line in lines)
        if size[0] >= 80:
            assert all(word in shown for word in ("source", "variables", "stack", "what if"))

    drive(test, size, glyphs)


def test_an_answer_that_makes_no_sense_is_refused_and_the_keys_work_on() -> None:
    async def test(it: Driven) -> None:
        await it.say("e", "a b = 1")
        assert it.main.note.startswith("***")
        await it.press("e", "escape", "s", "s")
        assert it.line is not None

    drive(test)
