"""Suites: what may stand in one, which part is taken, what is said of a bad one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from cwm_agent.batch.suite import Selection, brings_recordings, load_tasks
from cwm_agent.errors import UsageError
from cwm_agent.job import Job, PolicyChoice
from cwm_agent.planning import Request

SUITE = """\
- {instance: one, issue: "add subtracts", repo: code, pip: [b==1], test: "pytest -rA"}
- {instance: two, issue_file: two.md, repo: code, pip: [a==1], tests: tests.yaml}
- {nano: seen/7..9, pip: []}
- {example: boltons-onetoone}
- {instance: three, issue: "add multiplies", repo: code, pip: [b==1], replay: three.yaml}
"""
NAMES = ["one", "two", "nano-seen-7", "nano-seen-8", "nano-seen-9", "boltons-onetoone", "three"]

EVERYTHING = Selection()
Loaded = tuple[list[Job], dict[str, Request]]


def planned(requests: list[Request]) -> Callable[[Request], Job]:
    def plan(request: Request) -> Job:
        requests.append(request)
        return Job("?", str(request.issue), PolicyChoice("human"), "docker", pip=request.pip)

    return plan


def loaded(path: Path, selection: Selection = EVERYTHING, replay: Path | None = None) -> Loaded:
    requests: list[Request] = []
    jobs = load_tasks(str(path), selection, planned(requests), replay)
    return jobs, {job.instance: next(r for r in requests if r.issue == job.issue) for job in jobs}


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
    assert requests["two"].issue == str(suite.parent / "two.md")
    assert requests["two"].tests == suite.parent / "tests.yaml"
    assert requests["three"].replay == suite.parent / "three.yaml"
    assert requests["nano-seen-8"].issue == "nano:seen/8"
    assert requests["boltons-onetoone"].issue == "example:boltons-onetoone"


def test_json_lines_are_read_and_recordings_may_lie_in_a_folder(tmp_path: Path) -> None:
    path = tmp_path / "suite.jsonl"
    path.write_text('{"nano": "seen/1"}\n\n{"nano": "seen/2"}\n')
    _, requests = loaded(path, replay=tmp_path)
    assert requests["nano-seen-2"].replay == tmp_path / "nano-seen-2.yaml"
    _, requests = loaded(path, replay=path)
    assert requests["nano-seen-2"].replay == path


@pytest.mark.parametrize(
    ("selection", "taken"),
    [
        (Selection(ids=("three", "one")), ["one", "three"]),
        (Selection(pattern="^nano"), NAMES[2:5]),
        (Selection(pattern="nano", part="-1:"), NAMES[4:5]),
        (Selection(part=":2"), NAMES[:2]),
    ],
)
def test_selections(selection: Selection, taken: list[str]) -> None:
    assert selection.take(NAMES) == taken


@pytest.mark.parametrize(
    ("selection", "said"),
    [
        (Selection(ids=("four",)), "no instance 'four'"),
        (Selection(pattern="["), "not a regular expression"),
        (Selection(part="3"), "is not like 0:50"),
        (Selection(pattern="absent"), "no instance is left"),
    ],
)
def test_bad_selections(selection: Selection, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        selection.take(NAMES)


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
    assert brings_recordings(str(suite), Selection(ids=("three", "boltons-onetoone")))
    assert not brings_recordings(str(suite), Selection(ids=("three", "one")))
