"""The figures of a study, by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from cwm_agent.errors import UsageError
from cwm_agent.scaling.labels import Labels
from cwm_agent.scaling.selection.registry import recipe_named
from cwm_agent.scaling.study.calibration import expected_error, reliability
from cwm_agent.scaling.study.curves import curves, fewer, oracle_curve, steps
from cwm_agent.scaling.study.gap import Outcome, gap
from cwm_agent.scaling.study.outcomes import published_lines, read_published
from cwm_agent.scaling.study.study import study

from ..marks import table

EASY = table("e", {"a": "+", "b": "+"}, instance="easy")
SPLIT = table("e", {"a": "-", "b": "+"}, instance="split")
HARD = table("e", {"a": "-", "0": "-"}, instance="hard")
CASES = [
    (EASY, Labels("easy", {"a": True, "b": True})),
    (SPLIT, Labels("split", {"a": False, "b": True})),
    (HARD, Labels("hard", {"a": False, "0": False})),
]


def test_gap_closed_is_the_kept_share_of_the_oracles_lead() -> None:
    # single (1 + 1/2 + 0) / 3 = 1/2, oracle 2/3, selected 2/3
    kept = gap([Outcome(2, 2, 1.0), Outcome(1, 2, 1.0), Outcome(0, 2, 0.0)])
    assert (round(kept.selected, 9), kept.closed) == (round(2 / 3, 9), pytest.approx(1.0))
    lost = gap([Outcome(2, 2, 1.0), Outcome(1, 2, 0.0), Outcome(0, 2, 0.0)])
    assert lost.closed == pytest.approx(-1.0)


def test_where_an_oracle_gains_nothing_there_is_no_share() -> None:
    assert gap([Outcome(2, 2, 1.0), Outcome(0, 2, 0.0)]).closed is None
    with pytest.raises(ValueError, match="judged"):
        gap([])


def test_a_study_has_exactly_the_published_keys() -> None:
    found = study(CASES).to_json()
    assert list(found) == [
        *("issues", "marginal", "single", "pass_k", "k", "recipes", "ties_share", "ece"),
    ]
    assert (found["issues"], found["marginal"], found["single"], found["k"]) == (3, 1, 0.5, 2)
    assert found["pass_k"] == pytest.approx(2 / 3, abs=1e-6)
    assert set(found["recipes"]["oracle"]) == {"selected", "gap_closed", "interval"}
    for name, closed in (("oracle", 1.0), ("most-tests", 1.0), ("first", -1.0), ("posterior", 1.0)):
        assert found["recipes"][name]["gap_closed"] == pytest.approx(closed)


def test_calibration_error_is_the_weighted_distance() -> None:
    # 0.95 said three times, right twice: off by 0.95 - 2/3; 0.2 said once, wrong: off by 0.2
    bins = reliability([(0.95, True), (0.95, True), (0.95, False), (0.2, False), (1.0, True)][:4])
    assert [(part.count, round(part.said, 2)) for part in bins] == [(1, 0.2), (3, 0.95)]
    assert expected_error(bins) == pytest.approx((0.2 + 3 * (0.95 - 2 / 3)) / 4)
    assert expected_error([]) is None


def test_fewer_samples_take_their_own_tests_with_them() -> None:
    made = table("e b0 b1 g", {"a": "++++", "b": "+++-", "c": "+---"})
    small = fewer(made, [1, 2])
    assert [c.id for c in small.candidates] == ["b", "c"]
    assert [c.kind for c in small.columns] == ["existing", "harvested", "generated"]
    assert set(small.cells["b"]) == {"0e", "2b1", "3g"}


def test_curves_start_at_the_single_sample_and_end_at_the_choice() -> None:
    points = curves(CASES, [recipe_named("most-tests")])["most-tests"]
    assert [(p.k, round(p.gap.selected, 3), p.tokens) for p in points] == [
        (1, 0.5, 10.0),
        (2, 0.667, 20.0),
    ]
    assert oracle_curve([(2, 2), (1, 2), (0, 2)]) == {1: 0.5, 2: pytest.approx(2 / 3)}
    assert steps(12) == [1, 2, 4, 8, 12]


def test_published_outcomes_are_read_from_two_csv_files(tmp_path: Path) -> None:
    verdicts, selected = tmp_path / "verdicts.csv", tmp_path / "selected.csv"
    verdicts.write_text("instance_id,r_count,one,two\nx,2,1,1\ny,1,0,1\nz,0,0,0\n")
    selected.write_text("instance_id,selector_resolved,unique\nx,1,2\ny,1,2\n")
    found = read_published(verdicts, selected)
    assert found.to_json()["recipes"]["selector_resolved"]["gap_closed"] == pytest.approx(1.0)
    assert published_lines(found)[1:4] == [
        "single       1.5   50.0%",
        "selected     2.0   66.7%",
        "oracle       2.0   66.7%",
    ]
    with pytest.raises(UsageError, match="--column"):
        read_published(verdicts, selected, "unique")
    with pytest.raises(UsageError, match="instance_id"):
        read_published(selected, _write(tmp_path / "other.csv", "a,b\n1,2\n"))
    with pytest.raises(UsageError, match="cannot read"):
        read_published(tmp_path / "none.csv", selected)


def _write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path
