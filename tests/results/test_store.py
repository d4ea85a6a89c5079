"""Run folders: made safely, found again, clear when they cannot be."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from results.errors import ResultsError, RunFolderError, RunNotFoundError
from results.files import read_record, write_atomically
from results.records import (
    AttemptResult,
    AttemptStarted,
    RunInfo,
    SettingRecord,
    Verdict,
)
from results.store import Store, folder_name, model_of

INFO = RunInfo(
    created="2026-11-22T10:00:00.000Z",
    command=("cwm-agent", "solve", "issue.md"),
    settings={"limits.turns": SettingRecord(12, "--set"), "model": SettingRecord(None, "default")},
    versions={"cwm-agent": "0.1.0"},
    hashes={"prompt_pack": "0123456789abcdef"},
    seeds={"sampling": 42},
)
RESULT = AttemptResult(
    instance="pallets/flask#4010",
    sample=0,
    exit_reason="submitted",
    patch="diff --git a/x b/x\n",
    turns=7,
    seconds=1.5,
    prompt_tokens=10,
    completion_tokens=5,
    policy="replay",
    sandbox="bubblewrap",
    mode="improved",
    prompt_pack="default",
    resolved=True,
    verdict=Verdict(True, {"test_a": True}, {"test_b": True}),
)


def test_a_run_is_found_again_by_name_by_path_and_as_the_newest(tmp_path: Path) -> None:
    store = Store(tmp_path / "runs")
    first = store.create(INFO, "first")
    second = store.create(replace(INFO, created="2026-11-22T11:00:00.000Z"))
    assert store.open("first") == first
    assert store.open(second.folder).folder == second.folder
    assert store.newest() == second
    assert store.runs() == [second, first]
    assert first.info() == INFO


def test_two_unnamed_runs_in_one_second_get_two_folders(tmp_path: Path) -> None:
    store = Store(tmp_path)
    assert len({store.create(INFO).name for _ in range(3)}) == 3


def test_missing_runs_are_one_clear_error(tmp_path: Path) -> None:
    store = Store(tmp_path / "runs")
    with pytest.raises(RunNotFoundError, match="start one with `cwm-agent solve`"):
        store.newest()
    store.create(INFO, "first")
    with pytest.raises(RunNotFoundError, match=r"no run 'frist' .*the newest are first"):
        store.open("frist")


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "-x", "x" * 101, "a b"])
def test_a_run_cannot_have_an_unsafe_name(tmp_path: Path, name: str) -> None:
    with pytest.raises(ResultsError, match="not a valid run name"):
        Store(tmp_path).create(INFO, name)


def test_a_name_is_used_once(tmp_path: Path) -> None:
    Store(tmp_path).create(INFO, "first")
    with pytest.raises(ResultsError, match="already a run 'first'"):
        Store(tmp_path).create(INFO, "first")


def test_an_unwritable_runs_folder_names_the_remedy(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(RunFolderError, match=r"cannot create .*--runs DIR"):
        Store(tmp_path / "file" / "runs").create(INFO)


def test_an_attempt_keeps_its_instance_id_and_ends_once(tmp_path: Path) -> None:
    run = Store(tmp_path).create(INFO)
    attempt = run.attempt(RESULT.instance)
    with attempt.journal() as journal:
        assert attempt.live
        journal.append(
            AttemptStarted(RESULT.instance, 0, "replay", "docker", "default", "improved", 1, "b")
        )
    assert not attempt.live
    assert [found.instance for found in run.attempts()] == [RESULT.instance]
    assert attempt.result() is None
    attempt.finish(replace(RESULT, exit_reason="interrupted"))
    attempt.finish(RESULT)
    assert attempt.result() == RESULT
    with pytest.raises(ResultsError, match="already has a result"):
        attempt.finish(RESULT)
    assert sorted(path.name for path in attempt.folder.iterdir()) == ["events.jsonl", "result.json"]


def test_predictions_of_each_sample_have_the_keys_that_swebench_grades(tmp_path: Path) -> None:
    run = Store(tmp_path).create(INFO)
    for instance, sample in (("b", 0), ("a", 0), ("a", 1)):
        attempt = run.attempt(instance, sample)
        attempt.journal().close()
        attempt.finish(replace(RESULT, instance=instance, sample=sample))
    first, second = run.write_predictions()
    assert (first.name, second.name) == ("preds.jsonl", "preds.1.jsonl")
    for path, names in ((first, ["a", "b"]), (second, ["a"])):
        assert [json.loads(line) for line in path.read_text().splitlines()] == [
            {"instance_id": name, "model_name_or_path": RESULT.policy, "model_patch": RESULT.patch}
            for name in names
        ]


def test_predictions_are_named_after_who_answered() -> None:
    def named(*policies: str) -> str:
        return model_of(replace(RESULT, policy=policy) for policy in policies)

    assert named("embedded:nano", "embedded:nano") == "embedded:nano"
    assert named("replay:a", "replay:b", "embedded:nano") == "embedded:nano+replay"
    assert named() == "none"


def test_what_the_infrastructure_broke_is_no_prediction(tmp_path: Path) -> None:
    run = Store(tmp_path).create(INFO)
    for instance, reason in (("a", "sandbox_error"), ("b", RESULT.exit_reason)):
        attempt = run.attempt(instance, 0)
        attempt.journal().close()
        attempt.finish(replace(RESULT, instance=instance, sample=0, exit_reason=reason))
    (path,) = run.write_predictions()
    (line,) = path.read_text().splitlines()
    assert json.loads(line)["instance_id"] == "b"


@pytest.mark.parametrize("text", ["{", "[]", '{"created": 1}', '{"mood": 1}'])
def test_a_damaged_run_is_an_error_and_does_not_hide_the_others(tmp_path: Path, text: str) -> None:
    store = Store(tmp_path)
    good, bad = store.create(INFO, "good"), store.create(INFO, "bad")
    (bad.folder / "run.json").write_text(text)
    assert store.newest() == good
    with pytest.raises(RunFolderError, match=r"run.json is damaged"):
        bad.info()


@given(st.lists(st.text(st.characters(exclude_categories=())), min_size=2, max_size=2, unique=True))
def test_folder_names_are_safe_and_distinct(instances: list[str]) -> None:
    names = [folder_name(instance) for instance in instances]
    assert len(set(names)) == 2
    for name in names:
        assert name.isascii()
        assert len(name) <= 100
        assert name not in {"", ".", ".."}
        assert "/" not in name


def test_a_plain_instance_id_is_its_own_folder_name() -> None:
    assert folder_name("astropy__astropy-12907") == "astropy__astropy-12907"
    assert folder_name("mrdoob__three.js-25687") == "mrdoob__three.js-25687"


def test_no_instance_takes_the_place_of_a_file_of_the_run() -> None:
    taken = ["run.json", "Scores", "preds.1.jsonl", "index.db", "control.sock", "report.md"]
    for name in taken:
        assert folder_name(name) != name
        assert folder_name(name).startswith(f"{name}-")


def test_what_is_no_file_is_neither_replaced_nor_waited_for(tmp_path: Path) -> None:
    pipe = tmp_path / "run.json"
    os.mkfifo(pipe)
    with pytest.raises(RunFolderError, match="it is not a file"):
        write_atomically(pipe, b"{}")
    with pytest.raises(RunFolderError, match="it is a pipe"):
        read_record(RunInfo, pipe)
    assert pipe.is_fifo()
