"""The application's screen as a picture, drawn without a terminal."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from cwm_agent.view.app.app import ViewerApp
from cwm_agent.view.app.session import Key

SIZE = (140, 40)
WAIT = 0.05
MOST = 600
"""Looks at an attempt that is being read, before it is given up."""


def picture(
    app: ViewerApp,
    key: Key | None = None,
    keys: Sequence[str] = (),
    size: tuple[int, int] = SIZE,
    title: str = "cwm-agent view",
) -> str:
    """An SVG of the screen with that attempt open, after some keys; columns x lines are `size`."""

    async def draw() -> str:
        async with app.run_test(size=size) as pilot:
            for _ in range(MOST):
                opened = app.session.opened_key
                if opened is not None and (key is None or opened == key):
                    break
                if key is not None:
                    app.main.choose(key)
                await pilot.pause(WAIT)
            for name in keys:
                await pilot.press(name)
                await pilot.pause(WAIT)
            await pilot.pause(2 * WAIT)
            return app.export_screenshot(title=title)

    return asyncio.run(draw())
