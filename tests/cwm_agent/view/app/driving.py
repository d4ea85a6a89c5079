"""Drives the application without a terminal."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from textual.pilot import Pilot

from cwm_agent.view.app.app import ViewerApp
from cwm_agent.view.app.glyphs import UNICODE, Glyphs
from cwm_agent.view.app.session import Session
from cwm_agent.view.sources.row import Row
from cwm_agent.view.sources.runs import RunSource
from cwm_agent.view.sources.source import Source
from cwm_agent.view.trajectory.samples import SamplesEvidence
from results.store import Run

Drive = Callable[[Pilot[None], ViewerApp], Awaitable[None]]


def drive(
    run: Run | Source,
    test: Drive,
    size: tuple[int, int] = (120, 40),
    glyphs: Glyphs = UNICODE,
    weigh: Callable[[Row], SamplesEvidence | None] | None = None,
    reference_of: Callable[[Row], str] | None = None,
    **options: Any,
) -> None:
    """Open a run in the application and let `test` press keys once an attempt is shown."""

    async def go() -> None:
        source = RunSource(run) if isinstance(run, Run) else run
        app = ViewerApp(Session(source, glyphs, weigh=weigh, reference_of=reference_of), **options)
        async with app.run_test(size=size) as pilot:
            for _ in range(400):
                if app.session.opened is not None or not app.session.source.quick():
                    break
                await pilot.pause(0.02)
            await pilot.pause(0.1)
            await test(pilot, app)

    asyncio.run(go())


def screen_text(app: ViewerApp) -> list[str]:
    """The lines of the screen as they are drawn."""
    return [
        "".join(segment.text for segment in strip)
        for strip in app.screen._compositor.render_strips()
    ]


async def until(pilot: Pilot[None], holds: Callable[[], bool]) -> None:
    """Wait, for a minute on an idle machine, until something holds."""
    for _ in range(3000):
        if holds():
            await pilot.pause(0.02)
            return
        await pilot.pause(0.02)
    raise AssertionError(holds)
