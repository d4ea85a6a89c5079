"""Suites from files and from the hub's cache, and choosing among their instances."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cwm_agent.errors import NotReadyError, UsageError
from cwm_agent.policies.choice import PolicyChoice
from cwm_agent.tasks.datasets import Suite, job_of, load_suite
from cwm_agent.tasks.filters import Selection
from envs.swebench.rows import read_instances

from ...envs.swebench_rows import row

ROWS = [
    row(f"a__greet-{number}", repo=repo, difficulty=difficulty)
    for number, (repo, difficulty) in enumerate(
        [("a/greet", "<15 min fix"), ("b/greet", ""), ("a/greet", "1-4 hours")] * 3
    )
]
INSTANCES = read_instances(ROWS, "rows")


def write(folder: Path, suffix: str) -> Path:
    path = folder / f"rows{suffix}"
    if suffix == ".parquet":
        from datasets import Dataset

        Dataset.from_list(ROWS).to_parquet(str(path))
    elif suffix == ".json":
        path.write_text(json.dumps(ROWS))
    else:
        path.write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    return path


@pytest.mark.parametrize("suffix", [".json", ".jsonl", ".parquet"])
def test_a_file_in_any_format_gives_the_same_suite(tmp_path: Path, suffix: str) -> None:
    suite = load_suite(str(write(tmp_path, suffix)))
    assert suite == Suite(f"rows{suffix}", INSTANCES)
    assert suite.key == Suite("", INSTANCES[::-1]).key


@pytest.mark.parametrize(
    ("name", "text", "error"),
    [
        ("x.jsonl", "{", "is not a valid jsonl file"),
        ("x.json", "[1]", "must hold a list of rows"),
        ("x.json", None, "cannot read .*No such file"),
        ("swebench-verfied", None, "no suite 'swebench-verfied': give swebench-verified"),
        ("a b", None, "no suite 'a b'"),
    ],
)
def test_what_is_no_suite(tmp_path: Path, name: str, text: str | None, error: str) -> None:
    path = tmp_path / name
    if text is not None:
        path.write_text(text)
    with pytest.raises(UsageError, match=error):
        load_suite(str(path) if "." in name else name)


def test_without_the_hub_the_error_names_a_way_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import datasets
    import huggingface_hub.constants

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    pins = tmp_path / "suites.json"
    with pytest.raises(NotReadyError, match=r"SWE-bench_Verified \(.*unset HF_HUB_OFFLINE"):
        load_suite("swebench-verified", pins=pins)
    pins.write_text(json.dumps({"SWE-bench/SWE-bench_Verified": "0123abc"}))
    with pytest.raises(NotReadyError, match="SWE-bench_Verified@0123abc"):
        load_suite("swebench-verified", pins=pins)
    with pytest.raises(NotReadyError, match="SWE-bench_Lite@v2"):
        load_suite("swebench-lite@v2", pins=pins)
    assert json.loads(pins.read_text()) == {"SWE-bench/SWE-bench_Verified": "0123abc"}


def test_a_job_runs_in_the_rows_image() -> None:
    job = job_of(INSTANCES[0], PolicyChoice("embedded", "nano"), "docker")
    assert (job.sandbox, job.image, job.root) == ("docker", INSTANCES[0].image, "/testbed")
    assert job.task(None) == INSTANCES[0].task()
    assert job.build == (
        f"cwm-agent images build https://github.com/a/greet --commit {'0' * 40} "
        f"--tag {INSTANCES[0].image}"
    )


def chosen(**conditions: object) -> list[int]:
    selection = Selection(**conditions)  # type: ignore[arg-type]
    return [int(instance.id[-1]) for instance in selection.of(INSTANCES)]


def test_conditions_are_joined_and_the_slice_comes_last() -> None:
    assert chosen() == list(range(9))
    assert chosen(ids=("a__greet-7", "a__greet-2")) == [2, 7]
    assert chosen(pattern="-[0-3]$") == [0, 1, 2, 3]
    assert chosen(repositories=("a/greet",)) == [0, 2, 3, 5, 6, 8]
    assert chosen(repositories=("a/greet",), difficulties=("1-4 hours",), part="1:") == [5, 8]
    assert chosen(part="3") == [0, 1, 2]
    assert chosen(part="-2:") == [7, 8]


@given(*[st.none() | st.integers(-12, 12)] * 2, st.none() | st.integers(1, 4))
def test_a_slice_is_pythons(start: int | None, stop: int | None, step: int | None) -> None:
    text = ":".join("" if part is None else str(part) for part in (start, stop, step))
    expected = list(range(9))[slice(start, stop, step)]
    if expected:
        assert chosen(part=text) == expected
    else:
        with pytest.raises(UsageError, match="none of the 9 instances matches"):
            chosen(part=text)


@pytest.mark.parametrize(
    ("conditions", "error"),
    [
        ({"ids": ("a__greet-77",)}, "no instance 'a__greet-77'; did you mean 'a__greet-7'"),
        ({"repositories": ("zzz",)}, "no repository 'zzz'; there are a/greet, b/greet"),
        ({"pattern": "("}, "is not a regular expression"),
        ({"part": "x"}, "is not a slice"),
        ({"part": "::0"}, "is not a slice"),
        ({"part": "-:"}, "is not a slice"),
    ],
)
def test_a_condition_that_makes_no_sense(conditions: dict[str, object], error: str) -> None:
    with pytest.raises(UsageError, match=error):
        chosen(**conditions)
