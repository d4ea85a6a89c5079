"""The report: a reason for every figure that is missing, and runs that add up."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cwm_agent.bench.gpu.events import Recorder, read_events
from cwm_agent.bench.gpu.report import GOALS, Goal, OtherReportError, Report, read_report
from cwm_agent.bench.gpu.table import met, table


def report_of(**facts: str) -> Report:
    report = Report("nano", "cpu")
    report.begin({"machine": "M", "date": "D", "commit": "C"} | facts)
    return report


def test_a_report_names_a_reason_for_every_figure_that_it_lacks(tmp_path: Path) -> None:
    report = report_of()
    report.add("decode_b1_bf16_share", 0.8712, {"seconds": 0.02})
    report.add("deterministic", True, {})
    report.add("determinism_price", 0.2, {})
    report.add("fork_ms", 3.214, {})
    report.miss("vs_transformers_b1", "skipped: 3 s were left")
    report.write(tmp_path / "report.json")
    found = json.loads((tmp_path / "report.json").read_text())
    assert (found["runs"][0]["machine"], found["decode_b1_bf16_share"]) == ("M", 0.8712)
    assert found["deterministic"] is True
    assert {g.name for g in GOALS if found[g.name] is None} == set(found["reasons"])
    assert found["reasons"]["decode_b16_fp8_share"] == "not reached"
    lines = {g.name: line for g, line in zip(GOALS, table(found).splitlines()[2:], strict=True)}
    assert "| 87.1% | at least 85.0% | met |" in lines["decode_b1_bf16_share"]
    assert "| 20.0% | at most 5.0% | NOT MET |" in lines["determinism_price"]
    assert "| 3.21 ms | at most 5.00 ms | met |" in lines["fork_ms"]
    assert "| yes |" in lines["deterministic"]
    assert "not measured: skipped: 3 s were left" in lines["vs_transformers_b1"]
    assert list(tmp_path.iterdir()) == [tmp_path / "report.json"]


def test_goals_compare_in_their_direction() -> None:
    assert met(Goal("a", "", 0.5), 0.5)
    assert not met(Goal("a", "", 0.5), 0.49)
    assert not met(Goal("a", "", 0.05, at_most=True), 0.06)
    assert met(Goal("a", "", 1.0), True)
    assert not met(Goal("a", "", 1.0), False)


def test_a_second_run_adds_to_the_first_and_replaces_what_it_measured_anew(tmp_path: Path) -> None:
    """What a run could not measure does not cost the figure of an earlier one."""
    path = tmp_path / "report.json"
    first = report_of(date="monday")
    first.add("prefill_8k_share", 0.4, {"seconds": 2.0})
    first.add("decode_attention_share", 0.9, {})
    first.miss("deterministic", "skipped")
    first.failures["kernel.norm"] = {"outcome": "wrong"}
    first.write(path)
    second = read_report(path, "nano", "cpu")
    second.begin({"date": "tuesday"})
    second.add("prefill_8k_share", 0.6, {})
    second.add("deterministic", True, {})
    second.add("training_tokens_per_second", 1e6, {})
    second.miss("decode_attention_share", "skipped: no time")
    second.write(path)
    found = json.loads(path.read_text())
    assert (found["prefill_8k_share"], found["decode_attention_share"]) == (0.6, 0.9)
    assert "deterministic" not in found["reasons"]
    assert found["failures"] == {"kernel.norm": {"outcome": "wrong"}}
    runs = {n: found["runs"][d["run"]]["date"] for n, d in found["details"].items()}
    assert runs["decode_attention_share"] == "monday"
    assert runs["prefill_8k_share"] == "tuesday"
    assert read_report(path, "nano", "cpu").to_json() == found


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('{"shape": "32b", "device": "cuda"}', "of shape 32b on cuda"),
        ("{}", "no report"),
        ("nonsense", "no report"),
    ],
)
def test_a_file_of_something_else_is_left_alone(tmp_path: Path, text: str, why: str) -> None:
    path = tmp_path / "report.json"
    path.write_text(text)
    with pytest.raises(OtherReportError, match=why):
        read_report(path, "nano", "cpu")
    assert path.read_text() == text


def test_a_number_that_is_not_finite_is_no_figure(tmp_path: Path) -> None:
    """And a line that a crash cut off is left out."""
    path = tmp_path / "events"
    recorder = Recorder(path)
    recorder.add("a", float("nan"))
    recorder.add("b", 0.123456, seconds=1)
    with path.open("a") as file:
        file.write('{"kind": "figure", "na')
    first, second = read_events(path)
    assert first == {"kind": "miss", "name": "a", "reason": "failed: the measurement gave nan"}
    assert (second["value"], second["details"]) == (0.1235, {"seconds": 1})
