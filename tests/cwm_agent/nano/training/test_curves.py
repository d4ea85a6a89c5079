from __future__ import annotations

import json
from pathlib import Path

import pytest

from cwm_agent.nano.training.curves import read_log, terminal_curve, write_picture


def write_log(path: Path, steps: list[int]) -> None:
    lines = [
        {
            "step": step,
            "tokens": 1_000 * step,
            "loss": {"sample": 6.0 / step, "copy": 3.0} if step % 20 else {"sample": 6.0 / step},
            "lr": 0.02,
            "tokens_per_second": 7_000,
            "seconds": float(step),
        }
        for step in steps
    ]
    path.write_text("\n".join(map(json.dumps, lines)) + '\n{"step": 9')


def test_steps_that_were_lost_by_a_kill_count_once(tmp_path: Path) -> None:
    write_log(tmp_path / "log.jsonl", [10, 20, 30, 20, 30, 40])
    assert [line.step for line in read_log(tmp_path / "log.jsonl")] == [10, 20, 30, 40]


def test_a_curve_falls_from_left_to_right(tmp_path: Path) -> None:
    write_log(tmp_path / "log.jsonl", list(range(10, 300, 10)))
    shown = terminal_curve(read_log(tmp_path / "log.jsonl"))
    title, top, *_, bottom = shown.split("\n\n")[0].splitlines()
    assert title == "loss of kind 'sample', 0 to 0.29M tokens"
    assert top.startswith("█ ")
    assert "█" in bottom
    assert "copy" in shown


def test_a_picture_is_written(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    write_log(tmp_path / "log.jsonl", list(range(10, 300, 10)))
    write_picture(read_log(tmp_path / "log.jsonl"), tmp_path / "curve.png")
    assert (tmp_path / "curve.png").read_bytes().startswith(b"\x89PNG")
