"""Names that others choose, of runs, instances, files, tests, models: shown as text everywhere."""

from __future__ import annotations

import json
import re
import sys
from dataclasses import replace
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent / "app"))

from driving import drive, screen_text, until
from made import events, three_attempts
from textual.pilot import Pilot

from cwm_agent.cli.main import run as cwm_agent
from cwm_agent.view.app.app import ViewerApp
from results.records import AttemptResult, AttemptStarted, Ended, Message, Observed, Verdict
from results.store import Run

NAME = "\x1b]0;own\x07\x1b[2J\x1b[31m[red]x[/]\r\n\u202egnp\u2066\u200b漢e\u0301" + "y" * 120
"""Title, screen, colour, markup, lines, directions, wide and combining characters, length."""
FOLDER = NAME.replace("/", "-")
PATCH = f"diff --git a/{NAME} b/{NAME}\n--- a/{NAME}\n+++ b/{NAME}\n@@ -1 +1 @@\n-{NAME}\n+new\n"
SAID = {"role": "assistant", "content": NAME, "extra": {"actions": [{"command": NAME}]}}
FOREIGN = {
    "messages": [{"role": NAME, "content": NAME}, SAID], "trajectory_format": "mini-swe-agent-1.1",
    "info": {"exit_status": NAME, "submission": PATCH, "config": {"model": {"model_name": NAME}}},
    "instance_id": NAME,
}  # fmt: skip
HARMFUL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f]")


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run in which every name is hostile; nothing is changed in it."""
    made = three_attempts(tmp_path_factory.mktemp("hostile") / "runs")
    attempt = made.attempt(NAME)
    with attempt.journal() as journal:
        for event in events(NAME, 0, output=NAME):
            if isinstance(event, AttemptStarted):
                event = replace(event, policy=NAME, sandbox=NAME, prompt_pack=NAME)
            elif isinstance(event, Ended):
                journal.append(Observed((Message(NAME, NAME),)))
                event = Ended("submitted", NAME)
            journal.append(event)
    verdict = Verdict(resolved=False, fail_to_pass={NAME: False}, pass_to_pass={}, detail=NAME)
    attempt.finish(
        AttemptResult(
            NAME, 0, "submitted", PATCH, 3, 12.5, 100, 30, NAME, NAME, "improved", NAME,
            resolved=False, verdict=verdict, detail=NAME,
        )
    )  # fmt: skip
    folder = made.folder.with_name(FOLDER)
    made.folder.rename(folder)
    (folder / (FOLDER + ".traj.json")).write_text(json.dumps(FOREIGN))
    return Run(folder)


@pytest.mark.parametrize(
    "command",
    [
        "ls", "ls --json", "ls --filter fail", "view RUN --plain --full --think",
        "view RUN --plain --filter fail", "view RUN --json", "view RUN --json --content",
        "view RUN --instance none", "view FILE --plain", "view FILE --json", "scan RUN",
        "scan RUN --json", "export RUN --format html", "export RUN --format md",
        "export RUN --format atif", "export RUN --format mini",
        "export RUN --format svg --instance NAME",
    ],
)  # fmt: skip
def test_no_command_prints_or_writes_them_as_they_are(
    hostile: Run, command: str, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    places = {"RUN": str(hostile.folder), "FILE": str(hostile.folder / (FOLDER + ".traj.json"))}
    places["NAME"] = NAME
    words = [places.get(word, word) for word in command.split()]
    if words[0] == "export":
        words += ["--out", str(tmp_path / "out")]
    cwm_agent([*words, "--runs", str(hostile.folder.parent)] if words[0] == "ls" else words)
    shown = capfd.readouterr()
    assert shown.out or "none" in words
    assert "damaged" not in shown.out + shown.err
    assert not HARMFUL.search(shown.out + shown.err)
    for path in (tmp_path / "out").rglob("*") if words[0] == "export" else ():
        assert not HARMFUL.search(path.name)
        if path.is_file():
            assert not HARMFUL.search(path.read_text())


def test_no_screen_shows_them_as_they_are(hostile: Run) -> None:
    async def test(pilot: Pilot[None], app: ViewerApp) -> None:
        key = (FOLDER, NAME, 0)
        await until(pilot, lambda: key in app.session.known)
        app.main.choose(key)
        await until(pilot, lambda: app.session.opened_key == key)
        for keys in ("1", "2", "3", "4", "5", "6", "7", "c", "f", "escape", "X"):
            await pilot.press(keys)
            assert not HARMFUL.search("".join(screen_text(app)))

    drive(hostile, test)
