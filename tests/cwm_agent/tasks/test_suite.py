"""Suites: what may stand in one, which part is taken, what is said of a bad one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cwm_agent.config.layers import flags_layer
from cwm_agent.config.resolve import resolve
from cwm_agent.errors import UsageError
from cwm_agent.generated.repository import named_task
from cwm_agent.policies.choice import PolicyChoice
from cwm_agent.tasks.datasets import job_of
from cwm_agent.tasks.filters import Selection
from cwm_agent.tasks.inputs import Request
from cwm_agent.tasks.job import Job
from cwm_agent.tasks.planning import plan
from cwm_agent.tasks.suite import choose, jobs_of

from ...envs.swebench_rows import row

SUITE = """\
- {instance: one, issue: "add subtracts", repo: code, pip: [b==1],
   test: make, test_report: exit-code}
- {instance: two, issue_file: two.md, repo: code, pip: [a==1], tests: tests.yaml}
- {nano: seen/7..9, pip: [], difficulty: easy}
- {example: boltons-onetoone}
- {instance: three, issue: "add multiplies", repo: code, pip: [b==1], replay: three.yaml}
"""
NAMES = ["one", "two", "nano-seen-7", "nano-seen-8", "nano-seen-9", "boltons-onetoone", "three"]

EVERYTHING = Selection()
Loaded = tuple[list[Job], dict[str, Request]]


def planned(request: Request) -> Job:
    return Job("?", str(request.issue), PolicyChoice("human"), "docker", pip=request.pip)


def loaded(path: Path, selection: Selection = EVERYTHING, replay: Path | None = None) -> Loaded:
    chosen = choose(str(path), selection, replay)
    return jobs_of(chosen, planned), dict(chosen.requests)


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    path = tmp_path / "suite.yaml"
    path.write_text(SUITE)
    return path


def test_tasks_become_requests_with_paths_beside_the_suite(suite: Path) -> None:
    jobs, requests = loaded(suite)
    # those with the same environment stand together, in the order in which they first appear
    assert [job.instance for job in jobs] == ["one", "three", "two", *NAMES[2:6]]
    assert requests["one"].repository == suite.parent / "code"
    assert (requests["one"].test, requests["one"].test_report) == ("make", "exit-code")
    assert requests["two"].issue == str(suite.parent / "two.md")
    assert requests["two"].tests == suite.parent / "tests.yaml"
    assert requests["three"].replay == suite.parent / "three.yaml"
    assert requests["nano-seen-8"].issue == "nano:seen/8"
    assert requests["boltons-onetoone"].issue == "example:boltons-onetoone"


@pytest.mark.parametrize(
    ("name", "instances"),
    [
        ("nano:unseen/7..9", ["nano-unseen-7", "nano-unseen-8", "nano-unseen-9"]),
        ("nano:7..8", ["nano-seen-7", "nano-seen-8"]),
        ("nano:phrasing/x", ["nano-phrasing-x"]),
        ("example:boltons-onetoone", ["boltons-onetoone"]),
    ],
)
def test_what_solve_names_with_a_prefix_is_a_suite_too(name: str, instances: list[str]) -> None:
    chosen = choose(name, EVERYTHING, None)
    assert list(chosen.requests) == instances
    assert [job.instance for job in jobs_of(chosen, planned)] == instances


def test_several_tasks_are_not_one_issue() -> None:
    with pytest.raises(UsageError, match=r"seen/1\.\.4 is not one task; a range is for .*run"):
        named_task("seen/1..4")
    with pytest.raises(UsageError, match="ends before it begins"):
        choose("nano:seen/4..1", EVERYTHING, None)


def test_one_selection_serves_own_tasks_too(suite: Path) -> None:
    def taken(**conditions: object) -> list[str]:
        return [job.instance for job in loaded(suite, Selection(**conditions))[0]]  # type: ignore[arg-type]

    assert taken(pattern="nano", part="-1:") == NAMES[4:5]
    assert taken(ids=("three", "one")) == ["one", "three"]
    assert taken(repositories=("code",)) == ["one", "three", "two"]
    assert taken(difficulties=("easy",)) == NAMES[2:5]
    with pytest.raises(UsageError, match="no difficulty 'hard'; there are easy"):
        taken(difficulties=("hard",))


@pytest.mark.parametrize("suffix", [".json", ".jsonl"])
def test_rows_of_swe_bench_become_jobs_those_of_one_image_together(
    tmp_path: Path, suffix: str
) -> None:
    images = ("x", "y", "x")
    rows = [row(f"a__greet-{number}", image=image) for number, image in enumerate(images)]
    path = tmp_path / f"rows{suffix}"
    lines = "".join(json.dumps(found) + "\n" for found in rows)
    path.write_text(lines if suffix == ".jsonl" else json.dumps(rows, indent=2))
    recordings = tmp_path / "recordings"
    recordings.mkdir()
    for number in range(3):
        (recordings / f"a__greet-{number}.yaml").write_text("replies: [done]")
    chosen = choose(str(path), EVERYTHING, recordings)
    assert (chosen.dataset, chosen.recorded) == (str(path), True)

    def make(request: Request) -> Job:
        assert request.instance is not None
        return job_of(request.instance, PolicyChoice("replay", str(request.replay)), "docker")

    jobs = jobs_of(chosen, make)
    assert [(job.instance[-1], job.image) for job in jobs] == [("0", "x"), ("2", "x"), ("1", "y")]
    assert jobs[1].policy.source == str(recordings / "a__greet-2.yaml")
    assert (jobs[0].root, jobs[0].tests) == ("/testbed", None)


@pytest.mark.parametrize(
    ("key", "value"), [("sandbox.kind", "bubblewrap"), ("sandbox.image", "mine")]
)
def test_a_row_brings_its_image(tmp_path: Path, key: str, value: str) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(json.dumps(row()))
    settings = resolve([flags_layer({key: value})])
    with pytest.raises(UsageError, match=r"rows.jsonl, somebody__greet-1: .* image"):
        jobs_of(choose(str(path), EVERYTHING, None), lambda r: plan(r, settings, print))


@pytest.mark.parametrize(
    "name", ["swebench-verfied", "nano", "nowhere/tasks.yaml", "tasks.parquet"]
)
def test_a_suite_that_is_not_there(name: str) -> None:
    with pytest.raises(UsageError, match=r"there is no suite|No such file"):
        choose(name, EVERYTHING, None)


def test_json_lines_are_read_and_recordings_may_lie_in_a_folder(tmp_path: Path) -> None:
    path = tmp_path / "suite.jsonl"
    path.write_text('{"nano": "seen/1"}\n\n{"nano": "seen/2"}\n')
    _, requests = loaded(path, replay=tmp_path)
    assert requests["nano-seen-2"].replay == tmp_path / "nano-seen-2.yaml"
    _, requests = loaded(path, replay=path)
    assert requests["nano-seen-2"].replay == path


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("- {instance: a}", "give one of"),
        ("- {issue: text, repo: x}", "needs a name"),
        ("- {instance: a, issue: b, nano: seen/1}", "give one of"),
        ("- {nano: '17'}", "nano: seen/17"),
        ("- {example: x, repo: y}", "its own repository"),
        ("- {instance: a, issue: b, colour: red}", "colour"),
        ("- {nano: seen/1}\n- {nano: seen/1}", "more than once"),
        ("{}", "not a list"),
        ("- [", "cannot read the suite"),
        ("", "is empty"),
        ("- {instance: a}\n- instance: b\n  instance: c", r"'instance' stands twice \(line 3\)"),
        ("- {instance: a, issue: b, env: {'A=B': x}}", "task 1: env: 'A=B' is not the name"),
        (r'- {instance: a, issue: b, setup: ["x\0y"]}', "task 1: setup.0: .*NUL"),
        (r'- {instance: a, issue: b, env: {A: "x\0y"}}', "task 1: env.A: .*NUL"),
        (r'- {instance: "a\ud800", issue: b}', "task 1: instance: .*no character"),
    ],
)
def test_bad_suites(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "suite.yaml"
    path.write_text(text)
    with pytest.raises(UsageError, match=said):
        loaded(path)
    with pytest.raises(UsageError, match="there is no suite"):
        loaded(tmp_path / "other.yaml")


def test_a_suite_may_bring_all_its_answers(suite: Path) -> None:
    assert choose(str(suite), Selection(ids=("three", "boltons-onetoone")), None).recorded
    assert not choose(str(suite), Selection(ids=("three", "one")), None).recorded
    assert choose(str(suite), EVERYTHING, suite).recorded
