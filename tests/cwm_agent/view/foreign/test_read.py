"""Files of other programs, made by them: ATIF by its package, `recorded/` by mini-swe-agent 2.4.6
and by SWE-agent 1.1.0 (replaying calls, local; without `query`, the messages of each step)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from atif import (
    Agent,
    Metrics,
    Observation,
    ObservationResult,
    Step,
    ToolCall,
)
from atif import (
    Trajectory as Atif,
)

from cwm_agent.view.foreign.read import read_file
from cwm_agent.view.sources.files import FileSource
from cwm_agent.view.sources.places import source_of
from cwm_agent.view.trajectory.trajectory import Trajectory
from results.store import Store

RECORDED = Path(__file__).parent / "recorded"


def read(path: Path, document: object) -> Trajectory:
    path.write_text(json.dumps(document))
    (found,) = read_file(path)
    return found


def test_a_trajectory_that_mini_swe_agent_wrote() -> None:
    (found,) = read_file(RECORDED / "demo-1.traj.json")
    assert (found.instance, found.format) == ("demo-1", "mini-swe-agent-1.1")
    assert [message.role for message in found.opening] == ["system", "user"]
    assert [step.action.body for step in found.steps] == [
        "cat x.py", "python3 -c 'import x; assert x.f(1)==2'", "sed -i s/-/+/ x.py",
    ]  # fmt: skip
    assert [(step.exit_code, step.failure) for step in found.steps] == [
        (0, None), (1, "traceback"), (0, None),
    ]  # fmt: skip
    assert found.outcome.exit == "LimitsExceeded"


def test_a_trajectory_that_the_package_atif_wrote(tmp_path: Path) -> None:
    call = ToolCall(tool_call_id="1", function_name="bash", arguments={"command": "false"})
    result = ObservationResult(source_call_id="1", content="no", extra={"exit_code": 1})
    document = Atif(
        schema_version="ATIF-v1.8",
        trajectory_id="t-1",
        agent=Agent(name="x", version="1", model_name="m"),
        steps=[
            Step(step_id=1, source="user", message="Fix it."),
            Step(
                step_id=2, source="agent", message="I try.", reasoning_content="Hm.",
                tool_calls=[call], observation=Observation(results=[result]),
                metrics=Metrics(completion_tokens=2, completion_token_ids=[5, 6],
                                logprobs=[-0.1, -2.0]),
            ),
        ],
    )  # fmt: skip
    path = tmp_path / "t.atif.json"
    path.write_text(document.model_dump_json(exclude_none=True))
    (found,) = read_file(path)
    (step,) = found.steps
    assert (found.instance, found.policy) == ("t-1", "m")
    assert (step.thinking, step.prose, step.action.body) == ("Hm.", "I try.", "false")
    assert (step.exit_code, step.failure) == (1, "exit")
    assert (step.tokens.ids, step.tokens.logprobs) == ((5, 6), (-0.1, -2.0))


def test_a_trajectory_that_swe_agent_wrote() -> None:
    (found,) = read_file(RECORDED / "demo-2.traj")
    assert (found.instance, found.format, found.policy) == ("demo-2", "SWE-agent", "replay")
    assert [message.role for message in found.opening] == ["system", "user"]
    assert [(step.action.kind, step.failure) for step in found.steps] == [
        ("bash", None), ("bash", "traceback"), ("edit", "edit"), ("edit", None), ("create", None),
        ("bash", None), ("none", "malformed"), ("bash", "timeout"), ("submit", None),
    ]  # fmt: skip
    edit, create = found.steps[3].action, found.steps[4].action
    assert (edit.path, edit.search) == ("/mnt/x.py", "    return x - 1\n")
    assert edit.replace == '    return x + 1  # it\'s "one" more\n'
    assert (create.path, create.replace) == ("/mnt/try.py", "import x\nprint(x.f(1))\n")
    assert found.steps[5].observation == "2"
    assert not any("\r" in step.observation for step in found.steps)
    assert (found.outcome.exit, found.outcome.patch.count("\n")) == ("submitted", 8)


SWE_STEPS = (
    ("edit 1:1\nx = 1\nend_of_edit", "Your proposed edit has introduced new syntax errors", "edit"),
    ("edit 1:1\nx = 1\nend_of_edit", "[File: /a.py (1 lines total)]", None),
    ("str_replace_editor str_replace /a.py --old_str 'open", "bash: unexpected EOF", "edit"),
    ("python a.py", "EXECUTION TIMED OUT", "timeout"),
    ("", "Your output could not be parsed", "malformed"),
)  # fmt: skip


def test_steps_of_older_versions_of_swe_agent(tmp_path: Path) -> None:
    steps = [
        {"action": action, "observation": told, "response": "ok", "thought": "I do.",
         "state": {"diff": "diff --git a/a.py b/a.py\n"}, "execution_time": 0.5}
        for action, told, _ in SWE_STEPS
    ]  # fmt: skip
    history = [{"role": "system", "content": "S"}, {"role": "user", "content": "U"}]
    info = {"exit_status": "submitted", "submission": "P", "model_stats": {"api_calls": 2}}
    document = {"trajectory": steps, "history": history, "info": info}
    found = read(tmp_path / "django__django-1.traj", document)
    assert (found.instance, found.outcome.patch) == ("django__django-1", "P")
    assert [step.failure for step in found.steps] == [failure for _, _, failure in SWE_STEPS]
    assert (found.steps[0].spent.tool, found.steps[0].diff) == (0.5, "diff --git a/a.py b/a.py\n")


def test_the_last_of_several_attempts_stands_for_all_until_one_is_chosen(tmp_path: Path) -> None:
    def attempt(patch: str) -> dict[str, object]:
        step = {"action": "ls", "observation": "a.py", "thought": patch}
        return {"trajectory": [step], "history": [], "info": {"submission": patch}}

    attempts = {"attempts": [attempt("one"), attempt("two")]}
    assert read(tmp_path / "a.traj", attempts).outcome.patch == "two"
    assert read(tmp_path / "a.traj", attempts | attempt("one")).outcome.patch == "one"


def test_events_of_openhands(tmp_path: Path) -> None:
    history = [
        {"id": 0, "source": "user", "action": "message", "args": {"content": "Fix it."}},
        {"id": 1, "source": "agent", "action": "run", "args": {"command": "ls", "thought": "Look"}},
        {"id": 2, "source": "agent", "observation": "run", "content": "a.py", "cause": 1,
         "extras": {"metadata": {"exit_code": 0}}},
        {"id": 3, "source": "agent", "action": "finish", "args": {"thought": "Done"}},
    ]  # fmt: skip
    row = {"instance_id": "x-1", "history": history, "test_result": {"git_patch": "P"}}
    path = tmp_path / "output.jsonl"
    path.write_text(json.dumps(row) + "\n" + json.dumps(row | {"instance_id": "x-2"}) + "\n")
    one, two = read_file(path)
    assert (one.instance, two.instance, one.outcome.patch) == ("x-1", "x-2", "P")
    assert [(step.action.kind, step.exit_code) for step in one.steps] == [
        ("bash", 0), ("submit", None),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("a.traj.json", '{"messages": [', "is no JSON"),
        ("a.traj", "{}", "is no trajectory"),
        ("a.atif.json", "\x00\x00", "is no JSON"),
        ("a.traj.json", "[" * 100_000, "nested too deeply"),
    ],
)
def test_a_bad_file_is_marked_and_the_others_are_shown(
    tmp_path: Path, name: str, text: str, reason: str
) -> None:
    (tmp_path / name).write_text(text)
    good = (RECORDED / "demo-1.traj.json").read_text()
    (tmp_path / "good.traj.json").write_text(good)
    rows = list(FileSource(tmp_path).rows())
    assert sorted(row.state for row in rows) == ["damaged", "unscored"]
    (bad,) = (row for row in rows if row.state == "damaged")
    assert reason in bad.problem


@pytest.mark.parametrize(
    "document",
    [
        {"schema_version": "ATIF-v1.8", "steps": [{"source": "agent", "tool_calls": "x"}, 3]},
        {"schema_version": "ATIF-v1.8", "agent": [], "steps": None, "extra": "no"},
        {"messages": [{"role": "assistant", "content": None, "extra": []}, "x"], "info": 3},
        {"trajectory": [{"action": None, "observation": 7, "state": "s"}], "info": []},
        [{"action": "run", "args": 3, "source": "agent"}, {"observation": 4}],
    ],
)
def test_values_of_wrong_types_count_as_missing(tmp_path: Path, document: object) -> None:
    assert read(tmp_path / "odd.traj.json", document).instance


def test_verdicts_of_a_report_are_laid_over_files_and_predictions(tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    report.write_text(json.dumps({"resolved_ids": ["demo-1"], "unresolved_ids": ["x"]}))
    store = Store(tmp_path / "runs")
    files = source_of(store, [str(RECORDED)], report)
    assert sorted(row.state for row in files.rows()) == ["resolved", "unscored"]
    preds = tmp_path / "preds.json"
    preds.write_text(json.dumps({"x": {"instance_id": "x", "model_name_or_path": "m",
                                       "model_patch": "P"}}))  # fmt: skip
    source = source_of(store, [str(preds)], report)
    (row,) = source.rows()
    assert (row.instance, row.state) == ("x", "unresolved")
    assert source.open(row).trajectory().outcome.patch == "P"
