"""The viewer's keys on a run that really goes on: what they ask for is what the run does."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable

import pytest
from helpers import Batch, write_suite
from textual.pilot import Pilot

from cwm_agent.commands.viewing.live import LiveControls
from cwm_agent.errors import UsageError
from cwm_agent.view.app.app import ViewerApp
from cwm_agent.view.app.glyphs import UNICODE
from cwm_agent.view.app.session import Session
from cwm_agent.view.sources.runs import RunSource
from results.store import Run

SUITE = "nano-seen-{}"


async def until(pilot: Pilot[None], holds: Callable[[], bool]) -> None:
    for _ in range(1200):
        if holds():
            return
        await pilot.pause(0.1)
    raise AssertionError(holds)


def view(run: Run, test: Callable[[Pilot[None], ViewerApp], Awaitable[None]]) -> None:
    async def go() -> None:
        app = ViewerApp(Session(RunSource(run), UNICODE), LiveControls({run.name: run.folder}))
        async with app.run_test(size=(140, 40)) as pilot:
            await until(pilot, lambda: app.main.live is not None)
            await until(pilot, lambda: len(app.session.shown) >= 1)
            await test(pilot, app)

    asyncio.run(go())


@pytest.mark.slow
def test_pause_workers_cancel_requeue_and_resume_reach_the_run(batch: Batch) -> None:
    suite, recordings = write_suite(batch.folder, range(1, 4), seconds=1.0)
    command = ("run", suite, "--replay", recordings, "--sandbox", "bubblewrap", "--name", "run")
    process = batch.start(*command, "--workers", 1, "--json")
    batch.wait_for_turns("run", 1, process)
    run = Run(batch.folder / "runs" / "run")

    async def test(pilot: Pilot[None], app: ViewerApp) -> None:
        def live(name: str) -> object:
            return (app.main.live or {}).get(name)

        def counts(state: str) -> int:
            return int((app.main.live or {}).get("counts", {}).get(state, 0))

        assert live("phase") == "running"
        first = app.main.table.row
        assert first is not None
        await until(pilot, lambda: first.state == "live" or app.main.table.row.state == "live")  # type: ignore[union-attr]
        await pilot.press("p")
        await until(pilot, lambda: live("phase") == "paused")
        await pilot.press("plus")
        await until(pilot, lambda: live("workers") == 2)
        await pilot.press("X", "y")
        await until(pilot, lambda: counts("cancelled") == 1)
        await pilot.press("R")
        await until(pilot, lambda: counts("cancelled") == 0)
        await pilot.press("p")
        await until(pilot, lambda: live("phase") == "running")

    try:
        view(run, test)
        with pytest.raises(UsageError, match="has no sandbox now"):
            LiveControls({"run": run.folder}).shell(next(iter(RunSource(run).rows())))
    finally:
        stdout, stderr = process.communicate(timeout=240)
    assert process.returncode == 0, stderr
    assert json.loads(stdout.splitlines()[-1])["status"]["counts"]["resolved"] == 3
    assert LiveControls({"run": run.folder}).status("run") is None
