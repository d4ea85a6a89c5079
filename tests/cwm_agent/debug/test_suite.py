"""`run trace-prediction`: figures of programs that a model knows, or gets wrong in one place."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from scripted import form, predictor

from cwm_agent.commands.trace_prediction import predict_suite, report
from cwm_agent.debug.evaluate.figures import Item, Measured, by_action, by_cell, measure
from cwm_agent.debug.evaluate.suite import cruxeval_rows, read_rows, record_items
from cwm_agent.debug.predict.scripted import recorded
from cwm_agent.debug.record.here import record_here
from cwm_agent.errors import NotReadyError, UsageError

ROWS = [
    {"id": "loop", "code": "def f(xs):\n    n = 0\n    for x in xs:\n        n += x\n    return n",
     "input": "[1, 2]", "output": "3"},
    {"id": "fails", "code": "def f(x):\n    return x[0]", "input": "[]", "output": ""},
    {"id": "broken", "code": "def f(:\n", "input": "1", "output": "1"},
]  # fmt: skip


def items(tmp_path: Path) -> tuple[list[Item], list[str]]:
    """The rows as a file in the published format of CruxEval, recorded; what was left out."""
    path = tmp_path / "cruxeval.jsonl"
    path.write_text("".join(f"{json.dumps(row)}\n" for row in ROWS))
    said: list[str] = []
    rows = read_rows(path)
    return list(record_items(rows, record_here, comprehensions=True, progress=said.append)), said


def measured(item: Item, *, wrong: bool) -> Measured:
    """A model that knows the program, or takes the first sum for 7."""
    frames = list(item.frames)
    if wrong:
        place = next(i for i, one in enumerate(frames) if ("n", "1") in one.locals)
        pairs = tuple((n, "7" if n == "n" else v) for n, v in frames[place].locals)
        frames[place] = replace(frames[place], locals=pairs)
    return measure(predictor(recorded(form(), frames)), [item], lambda _: None)


def test_rows_that_cannot_be_run_are_said_and_left_out(tmp_path: Path) -> None:
    found, said = items(tmp_path)
    assert [item.name for item in found] == ["loop", "fails"]
    assert len(said) == 1
    assert "broken is left out" in said[0]


def test_an_entry_that_cannot_begin_is_said() -> None:
    row = {"source": "def main(x):  # << START_OF_TRACE\n    return x\n"}
    said: list[str] = []
    assert list(record_items([row], record_here, comprehensions=True, progress=said.append)) == []
    assert said == [
        "0 is left out: its entry did not begin; it needs x; mark a function that can be "
        "called without arguments"
    ]


def test_a_wrong_value_counts_where_it_is(tmp_path: Path) -> None:
    item = items(tmp_path)[0][0]
    right, wrong = measured(item, wrong=False), measured(item, wrong=True)
    assert right.free.alone[0].whole
    table = by_action(wrong.free.judged)
    lines = table["line"]["locals"].n
    assert table["line"]["locals"].count == lines - 1
    assert table["line"]["action"].count == lines
    assert table["return"]["value"].value == 1.0
    cells = by_cell(wrong.free.alone)
    bad = {
        (horizon, event, part)
        for horizon, row in cells.items()
        for event, parts in row.items()
        for part, one in parts.items()
        if one.value < 1
    }
    assert ({(h, e) for h, e, _ in bad}, {p for *_, p in bad}) == (
        {(4, "line"), (4, "all"), (8, "line"), (8, "all")}, {"locals", "state"}
    )  # fmt: skip


def test_the_report_has_both_ways_side_by_side_with_intervals(tmp_path: Path) -> None:
    text = "\n".join(report(measured(items(tmp_path)[0][0], wrong=True)))
    for row in ("whole programs", "outputs", "line locals", "return value", "from 4 line locals"):
        line = next(one for one in text.split("\n") if one.startswith(row))
        assert line.count("[") == line.count("n=") == 2, line


@pytest.mark.parametrize("text", ["{}", "no", '{"code": "x"}'])
def test_a_file_that_is_no_suite_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "x.jsonl"
    path.write_text(text)
    with pytest.raises(UsageError):
        predict_suite(str(path), None, as_json=False)


def test_cruxeval_without_the_hub_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(NotReadyError, match="or give a local copy of it"):
        cruxeval_rows(tmp_path / "pins.json")


@pytest.mark.slow  # the bundled model, and a sandbox for the file's programs
@pytest.mark.skipif(shutil.which("bwrap") is None, reason="no bubblewrap")
@pytest.mark.parametrize("suite", ["builtin", "file"])
def test_the_command_measures_the_bundled_model(tmp_path: Path, suite: str) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(f"{json.dumps(row)}\n" for row in ROWS))
    name = str(path) if suite == "file" else suite
    command = [sys.executable, "-m", "cwm_agent", "run", "trace-prediction", "--suite", name]
    done = subprocess.run([*command, "--slice", "0:2", "--json"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert len(found["programs"]) == 2
    assert found["legal"]["illegal_steps"] == 0
    assert set(found["actions"]) == {"free", "legal"}
    assert found["actions"]["free"]["by_part"]["step_over"]["state"]["n"] == 2
    assert found["legal"]["sampled_tokens"] < 0.7 * found["free"]["sampled_tokens"]
    for side in ("free", "legal"):
        cell = found[side]["by_horizon_and_action"]["1"]["call"]["state"]
        assert 0 <= cell["low"] <= cell["value"] <= cell["high"] <= 1
