"""OpenHands' event lists of version 0, and the rows of its benchmark's `output.jsonl`."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from cwm_agent.view.foreign.values import (
    between,
    count,
    exit_code,
    facts,
    moment,
    rows,
    table,
    text,
)
from cwm_agent.view.trajectory.actions import action_of_arguments
from cwm_agent.view.trajectory.failures import failure_of
from cwm_agent.view.trajectory.trajectory import (
    Action,
    Outcome,
    Spent,
    Step,
    Tokens,
    Trajectory,
)
from results.records import Message

_SILENT = ("system", "recall", "change_agent_state", "null", "")


def is_openhands(document: object) -> bool:
    """Whether it is a list of events, or a row with one."""
    events = document if isinstance(document, list) else table(document).get("history")
    first = rows(events)[:3]
    return bool(first) and all("action" in row or "observation" in row for row in first)


def read_openhands(document: Any, name: str) -> Trajectory:
    """A list of events, or a row of the benchmark's output, as a trajectory."""
    row = table(document)
    events = rows(document if isinstance(document, list) else row.get("history"))
    opening: list[Message] = []
    steps: list[Step] = []
    last = ""
    for event in events:
        time = moment(event.get("timestamp"))
        acts, source = str(event.get("action") or ""), str(event.get("source") or "")
        if acts == "message" and source == "user" and not steps:
            opening.append(Message("user", text(table(event.get("args")).get("content"))))
        elif acts == "system" and not steps:
            opening.append(Message("system", text(table(event.get("args")).get("content"))))
        elif acts and source == "agent" and acts not in _SILENT:
            steps.append(_step(event, len(steps) + 1, between(last, time), time))
        elif event.get("observation") and steps and str(event["observation"]) not in _SILENT:
            steps[-1] = _observed(steps[-1], event, between(last, time))
        last = time or last
    result = table(row.get("test_result"))
    report = table(result.get("report"))
    resolved = report.get("resolved")
    return Trajectory(
        instance=str(row.get("instance_id") or name),
        format="OpenHands",
        policy=str(table(table(row.get("metadata")).get("llm_config")).get("model") or ""),
        opening=tuple(opening),
        steps=tuple(steps),
        outcome=Outcome(
            exit=text(row.get("error")) or ("finished" if steps else ""),
            over=bool(row) or bool(steps and steps[-1].action.kind == "submit"),
            resolved=resolved if isinstance(resolved, bool) else None,
            patch=text(result.get("git_patch")),
        ),
        facts=facts(table(row.get("metadata"))),
        started=steps[0].time if steps else "",
    )


def _step(event: dict[str, Any], place: int, seconds: float, time: str) -> Step:
    arguments, name = table(event.get("args")), str(event["action"])
    calls = table(event.get("tool_call_metadata"))
    usage = table(table(table(calls.get("model_response")).get("usage")))
    said = name != "message"
    tool = {"run": "bash", "run_ipython": "bash"}.get(name, name)
    action = action_of_arguments(tool, arguments) if said else Action("none", "", "")
    if name in ("read", "browse", "think"):
        action = Action("other", name, text(arguments.get("path") or arguments.get("thought")))
    written = count(usage.get("completion_tokens"))
    return Step(
        number=place,
        action=action,
        prose=text(arguments.get("thought")) or text(arguments.get("content")) * (not said),
        raw=text(event.get("message")),
        spent=Spent(model=seconds),
        tokens=Tokens(
            written, count(usage.get("prompt_tokens")) + written,
            prompt=count(usage.get("prompt_tokens")),
        ),
        time=time,
    )  # fmt: skip


def _observed(step: Step, event: dict[str, Any], seconds: float) -> Step:
    extras = table(event.get("extras"))
    code = exit_code(table(extras.get("metadata")).get("exit_code", extras.get("exit_code")))
    failed = event.get("observation") == "error" or event.get("success") is False
    told = text(event.get("content"))
    timeout = code == -1 and "timed out" in told
    ok, ending = not failed, "timeout" if timeout else ""
    return replace(
        step,
        observation=f"{step.observation}\n{told}" if step.answered else told,
        answered=True,
        ok=ok,
        exit_code=code,
        ending=ending,
        failure=failure_of(
            step.action, ok=ok, exit_code=code, ending=ending, cause="", observation=told
        ),
        spent=replace(step.spent, tool=step.spent.tool + seconds),
    )
