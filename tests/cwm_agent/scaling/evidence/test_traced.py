"""The model's predictions of the issue's calls, from the trace to the column."""

from __future__ import annotations

import json
from contextlib import closing
from functools import partial
from pathlib import Path

import handmade
import pytest

from cwm_agent.config.resolve import Resolved, load_settings
from cwm_agent.debug.evaluate.evidence import predict_calls
from cwm_agent.debug.predict.engine import load_predictor
from cwm_agent.scaling.evidence.executions import FILE, Execution, Executions
from cwm_agent.scaling.evidence.quoted import issue_scripts
from cwm_agent.scaling.evidence.traced import score, traceable_calls
from cwm_agent.scaling.gather import gather
from envs.progress import quiet

ISSUE = "`last([4, 5])` gives 4, but 5 is right. `other(3)` is fine."
CODE = "def last(items):\n    return items[0]\n"
FUNCTIONS = {"last": "shop.ends", "other": "shop.rest"}
FILES = {"src/shop/ends.py": CODE, "README.py": ""}


def settings(traces: int) -> Resolved:
    flags = {"scaling.tests": 0, "scaling.calls": 0, "scaling.repeats": 1, "scaling.traces": traces}
    return load_settings(flags=flags, environment={})


def test_calls_of_the_issue_are_traced_through_the_file_that_defines_the_function() -> None:
    scripts = list(issue_scripts(ISSUE, FUNCTIONS))
    assert traceable_calls(scripts, FUNCTIONS, FILES, 8) == [("src/shop/ends.py", "last([4, 5])")]
    assert traceable_calls(scripts, FUNCTIONS, FILES, 0) == []


@pytest.mark.parametrize(
    ("result", "confidence", "expected"),
    [
        ("5", 1.0, 1.0),  # named by the issue, and not what came out before
        ("5", 0.2, 0.6),  # the same, but the model is unsure
        ("4", 0.8, 0.1),  # what came out before
        ("7", 0.0, 0.5),  # nobody's value, and no confidence: it says nothing
    ],
)
def test_a_prediction_counts_as_far_as_the_model_is_sure(
    tmp_path: Path, result: str, confidence: float, expected: float
) -> None:
    scripts = list(issue_scripts(ISSUE, FUNCTIONS))
    found = Execution("a", "traces", 0, {}, {"last([4, 5])": json.dumps([result, confidence])})
    with closing(Executions(tmp_path / FILE)) as before:
        assert score(found, before, scripts) is None  # nothing is known of the unpatched code
        before.add(Execution("before", scripts[0].id, 0, {"": "fail"}, {"": "4"}))
        assert score(found, before, scripts) == pytest.approx(expected)
        assert score(Execution("a", "traces", 0), before, scripts) is None


def test_what_the_bundled_model_predicts_becomes_a_column_once(tmp_path: Path) -> None:
    where = handmade.repository(tmp_path / "repository", {"ends.py": CODE})
    changes = [{"ends.py": CODE.replace("[0]", fix)} for fix in ("[-1]", "[0] + 0", "[1:]")]
    patches = [handmade.patch(where, change) for change in changes]
    run = handmade.handmade_run(
        tmp_path / "runs", handmade.job("last", where, ISSUE, "bubblewrap"), patches
    )
    with closing(load_predictor(frame_tokens=64)) as predictor:
        predict = partial(predict_calls, predictor)
        (first,) = gather(run, settings(2), quiet, predict=predict)
    assert first.table is not None, first.error
    (column,) = first.table.of_kind("trace")
    cells = [first.table.cell(candidate, column) for candidate in first.table.candidates]
    scores = [cell.score for cell in cells if cell is not None and cell.score is not None]
    assert len(scores) == 3
    assert max(scores) == scores[0] > 0.5 > scores[1]
    # What was predicted is not predicted again: nobody is there to do it.
    (again,) = gather(run, settings(2), quiet)
    assert again.table == first.table
    (without,) = gather(run, settings(0), quiet)
    assert without.table is not None
    assert not without.table.of_kind("trace")
