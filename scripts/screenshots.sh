#!/bin/sh
# Draws the pictures of docs/viewer.md from a real run of the bundled model: `make screenshots`.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
printf -- '- nano: unseen/1..5\n' > "$folder/suite.yaml"
agent=.venv/bin/cwm-agent
$agent run "$folder/suite.yaml" --samples 4 --sandbox bubblewrap --name nano-unseen \
    --runs "$folder/runs" --set sampling.temperature=0.9 --set sampling.logprobs=5
$agent evidence nano-unseen --runs "$folder/runs"
$agent select nano-unseen --runs "$folder/runs"
.venv/bin/python - "$folder/runs/nano-unseen" docs <<'PYTHON'
import sys
from pathlib import Path
from cwm_agent.commands.samples.weighing import Weighing
from cwm_agent.view.app.app import ViewerApp
from cwm_agent.view.app.glyphs import UNICODE
from cwm_agent.view.app.picture import picture
from cwm_agent.view.app.session import Session
from cwm_agent.view.app.tabs.decoding import decoder_of
from cwm_agent.view.sources.runs import RunSource
from results.store import Run

run, docs = Run(Path(sys.argv[1])), Path(sys.argv[2])


def draw(name: str, sample: int, *keys: str) -> None:
    source = RunSource(run)
    session = Session(
        source, UNICODE, weigh=Weighing({run.name: run.folder}), decode=decoder_of(source)
    )
    key = (run.name, "nano-unseen-1", sample)
    (docs / name).write_text(picture(ViewerApp(session), key, keys, size=(140, 36)))


wait = ("shift+f20",) * 40  # a key that does nothing: what is read in the background comes
draw("viewer.svg", 0, "enter", "l", "l", "l", "enter")
draw("viewer-samples.svg", 0, *wait, "c", *wait)
PYTHON
