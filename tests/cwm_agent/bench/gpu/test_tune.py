"""The search of block sizes: what is tried, what is taken, and the file that comes of it."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest

from cwm_agent.bench.gpu.__main__ import TUNING, main
from cwm_agent.bench.gpu.plan import TUNED
from cwm_agent.bench.gpu.tune.candidates import GRIDS, candidates
from cwm_agent.bench.gpu.tune.rows import best_of, with_rows
from cwm_agent.exit_codes import ExitCode
from model.ops.triton.tuning import figures_of, parse_tuning, rows_for

TEXT = TUNING.read_text()
H100 = "NVIDIA H100 80GB HBM3"


def event(row: dict[str, int], *seconds: float) -> dict[str, Any]:
    times = {f"problem {i}": s for i, s in enumerate(seconds)}
    return {"kind": "tried", "section": "NVIDIA H100", "row": row, "seconds": times}


@pytest.mark.parametrize("kernel", sorted(TUNED))
def test_candidates_begin_with_the_current_row_and_move_away_from_it(kernel: str) -> None:
    """Bounded, no two alike, each a row that the launcher understands."""
    for gpu in (H100, "another"):
        current = rows_for(tomllib.loads(TEXT), gpu)[kernel]
        found = candidates(kernel, current, 28)
        assert found[0] == current
        assert len({tuple(row.items()) for row in found}) == len(found) <= 28
        changed = [sum(row[name] != current[name] for name in row) for row in found]
        assert changed == sorted(changed)
        assert all(figures_of(kernel, row) for row in found)


def test_every_kernel_of_the_file_is_tuned() -> None:
    assert set(TUNED) == set(GRIDS) == set(tomllib.loads(TEXT)["default"])


def test_the_best_row_is_that_of_the_least_mean_share() -> None:
    """Each problem weighs the same, however long it takes; less than 2 percent is noise."""
    slow_first = event({"warps": 4}, 1.0, 0.001)
    better = event({"warps": 8}, 1.1, 0.0005)  # 110 % and 50 %
    other = event({"warps": 2}, 0.9, 0.00099)
    found = best_of([slow_first, better, other])
    assert (found["before"], found["after"]) == ({"warps": 4}, {"warps": 8})
    assert (found["time_share"], found["tried"]) == (0.8, 3)
    noise = best_of([slow_first, event({"warps": 8}, 0.99, 0.00099)])
    assert noise["after"] == noise["before"] == {"warps": 4}


def test_rows_go_into_the_section_that_the_gpu_reads() -> None:
    """Old rows of the section stay or are replaced, comments and defaults stay."""
    current = rows_for(tomllib.loads(TEXT), H100)
    extend = {**current["extend"], "warps": 4}
    decode = {**current["decode"], "split": 1024}
    tuning = {
        kernel: best_of([event(current[kernel], 1.0), event(row, 0.5)])
        for kernel, row in (("extend", extend), ("decode", decode), ("norm", current["norm"]))
    }
    text = with_rows(TEXT, tuning, "H100, today, commit abc")
    found = rows_for(tomllib.loads(text), H100)
    assert found == current | {"extend": extend, "decode": decode}
    assert rows_for(tomllib.loads(text), "another") == rows_for(tomllib.loads(TEXT), "another")
    parse_tuning(tomllib.loads(text), H100)
    assert text.count('["NVIDIA H100".extend]') == 1
    assert "# 50% of the time before: H100, today, commit abc" in text
    assert {line for line in TEXT.splitlines() if line.startswith("#")} <= set(text.splitlines())
    assert with_rows(text, {}, "") == text


def test_a_search_runs_through_on_this_machine(tmp_path: Path) -> None:
    """Interpreted, so the times mean nothing; the results are compared all the same."""
    out = tmp_path / "report.json"
    options = ["--device", "cpu", "--shape", "nano", "--seconds", "200", "--out", str(out)]
    parts = ("compile.quantise.0", "compile.norm.0", "tune.norm")
    assert main([*options, "--tune", "--only", *parts]) == ExitCode.SUCCESS
    report = json.loads(out.read_text())
    assert report["tuning"]["norm"]["tried"] == 2
    assert tomllib.loads((tmp_path / "tuning.toml").read_text())["default"]
