"""`solve --samples`, `run --select` and `export --best` from end to end, by the bundled model."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pytest
from cases import EDIT, LOOK, SECONDS, SUBMIT, Solve, write_recording

from cwm_agent.scaling.chosen import CHOICE_FILE, Chosen
from cwm_agent.scaling.storage import EVIDENCE_FILE, load_table
from results.files import read_record

LOCAL = ("--sandbox", "bubblewrap", "--samples", "2")


@pytest.mark.slow
def test_two_samples_are_compared_and_one_is_handed_in(solve: Solve) -> None:
    answer = solve.json("nano:3", *LOCAL, "--select", "kozuchi", "--name", "best")
    assert (answer["resolved"], answer["exit_reason"]) == (True, "submitted")
    folder = solve.folder / "runs" / "best" / answer["instance"]
    table = load_table(folder / EVIDENCE_FILE)
    assert [candidate.sample for candidate in table.candidates] == [0, 1]
    assert table.of_role("regression")
    assert table.of_role("reproduction")
    assert table.of_kind("grade")
    chosen = read_record(Chosen, folder / CHOICE_FILE)
    assert chosen is not None
    assert (chosen.recipe, chosen.sample) == ("kozuchi", answer["sample"])
    command = [sys.executable, "-m", "cwm_agent", "export", "best", "--best"]
    subprocess.run(command, cwd=solve.folder, check=True, capture_output=True)
    rows = (solve.folder / "runs" / "best" / "all_preds.jsonl").read_text().splitlines()
    assert [json.loads(row)["model_patch"] for row in rows] == [answer["patch"]]
    assert solve.orphans() == []


def test_an_unknown_recipe_is_refused_before_anything_runs(solve: Solve) -> None:
    refused = solve("nano:3", *LOCAL, "--select", "best-of-all")
    assert refused.returncode == 2
    assert "kozuchi" in refused.stderr
    assert not list((solve.folder / "runs").glob("*/*"))


def on_a_terminal(solve: Solve, *arguments: str | Path) -> str:
    """What `solve` shows on a terminal of 100 columns, without colours and movements."""
    controller, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 100, 0, 0))
    command = [sys.executable, "-m", "cwm_agent", "solve", *map(str, arguments)]
    surroundings = solve.environment | {"TERM": "xterm-256color", "LANG": "C.UTF-8"}
    surroundings = {name: value for name, value in surroundings.items() if name != "COLUMNS"}
    with subprocess.Popen(
        command,
        cwd=solve.folder,
        env=surroundings,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=terminal,
    ) as process:
        os.close(terminal)
        shown = b""
        while piece := _read(controller):
            shown += piece
        assert process.wait(SECONDS) == 0, shown
    os.close(controller)
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown.decode())


def _read(controller: int) -> bytes:
    try:
        return os.read(controller, 65536)
    except OSError:  # the last program that held the terminal has ended
        return b""


@pytest.mark.slow
def test_a_terminal_shows_how_the_samples_stand_and_then_the_choice(solve: Solve) -> None:
    recording = write_recording(solve.folder / "fix.yaml", LOOK, EDIT, *SUBMIT)
    shown = on_a_terminal(
        solve, "add subtracts", "--repo", "repository", "--replay", recording,
        "--sandbox", "bubblewrap", "--samples", "2", "--name", "live",
    )  # fmt: skip
    board, _, after = shown.partition("done 2/2: ")
    strip, bar, row = (board.index(text) for text in ("▶ running 4 workers", " 0/2 ", "▶ issue/1 "))
    assert strip < bar < row
    assert "opening the sandbox" in board[row:]
    for sample in (0, 1):
        assert f"sample {sample}: submitted after 5 turns" in board
    said = [line.rstrip() for line in after.splitlines()]
    first = said.index("issue: 2 samples, 1 patch, 1 behaviour; 1 existing")
    assert said[first + 1].startswith(
        "issue: sample 0 of 2 by posterior, right with probability 0."
    )
    assert said[first + 2].startswith("→  samples 0, 1  old tests 1/1  P(right) 0.")
    assert "0, 1 are equal by the evidence: a tie-break decided" in said[first + 4]
