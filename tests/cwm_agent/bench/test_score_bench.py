"""`bench score`: what it compares. That it measures is tested beside the official command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cwm_agent.bench.score import ScoreBench, Tests, differing, measure_score
from cwm_agent.errors import UsageError
from cwm_agent.tasks.filters import Selection

from ...envs.swebench_rows import row

SOUND: Tests = {"a": (True, {"t": True}, {}), "b": (False, {"t": False}, {"u": True})}


def test_a_single_test_that_comes_out_otherwise_is_seen() -> None:
    other = SOUND | {"b": (False, {"t": False}, {"u": False})}
    assert differing([SOUND, SOUND], [SOUND, SOUND]) == ()
    assert differing([SOUND, SOUND], [SOUND, other]) == ("b",)
    assert differing([SOUND], [{"b": SOUND["b"]}]) == ("a",)


@pytest.mark.parametrize(
    ("instances", "said"),
    [(["a__x-2"], "none of the predictions"), (["a__x-1"] * 2, "one prediction for each")],
)
def test_what_cannot_be_compared(tmp_path: Path, instances: list[str], said: str) -> None:
    rows, predictions = tmp_path / "rows.jsonl", tmp_path / "preds.jsonl"
    rows.write_text("".join(json.dumps(row(f"a__x-{n}")) + "\n" for n in (1, 2)))
    lines = [json.dumps({"instance_id": name, "model_patch": "x"}) + "\n" for name in instances]
    predictions.write_text("".join(lines))
    bench = ScoreBench(predictions, str(rows), Selection(ids=("a__x-1",)), workers=1, rounds=1)
    with pytest.raises(UsageError, match=said):
        measure_score(bench, print)
