#!/bin/sh
# Draws docs/viewer.svg from a real run of the bundled model: `make screenshots`.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
printf -- '- nano: unseen/1..6\n' > "$folder/suite.yaml"
.venv/bin/cwm-agent run "$folder/suite.yaml" --samples 3 --sandbox bubblewrap --name nano-unseen \
    --runs "$folder/runs" --set sampling.temperature=0.8
.venv/bin/python - "$folder/runs/nano-unseen" docs/viewer.svg <<'PYTHON'
import asyncio, sys
from pathlib import Path
from cwm_agent.view.app.app import ViewerApp
from cwm_agent.view.app.glyphs import UNICODE
from cwm_agent.view.app.session import Session
from cwm_agent.view.sources.runs import RunSource
from results.store import Run


async def draw(run: str, out: str) -> None:
    app = ViewerApp(Session(RunSource(Run(Path(run))), UNICODE))
    async with app.run_test(size=(140, 36)) as pilot:
        await pilot.pause(2)
        await pilot.press("right_square_bracket")
        await pilot.pause(1)
        await pilot.press("enter", "l", "l", "l", "enter")
        await pilot.pause(0.5)
        Path(out).write_text(app.export_screenshot(title="cwm-agent view"))


asyncio.run(draw(*sys.argv[1:]))
PYTHON
