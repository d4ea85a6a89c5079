"""ATIF, the Agent Trajectory Interchange Format of harbor, versions 1.0 to 1.8."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from cwm_agent.view.foreign.values import (
    between,
    count,
    exit_code,
    facts,
    moment,
    number,
    rows,
    table,
    text,
)
from cwm_agent.view.trajectory.actions import action_of, action_of_arguments
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


def is_atif(document: object) -> bool:
    """Whether it says that it is one."""
    return str(table(document).get("schema_version", "")).startswith("ATIF-v")


def read_atif(document: dict[str, Any], name: str) -> Trajectory:
    """A document as a trajectory; `name` where it names no instance."""
    agent, extra = table(document.get("agent")), table(document.get("extra"))
    opening: list[Message] = []
    steps: list[Step] = []
    last = ""
    for raw in rows(document.get("steps")):
        if raw.get("source") == "agent":
            steps.append(_step(raw, len(steps) + 1, last))
            last = steps[-1].time or last
        elif not steps:
            opening.append(Message(str(raw.get("source", "user")), text(raw.get("message"))))
        else:
            steps[-1] = _told(steps[-1], text(raw.get("message")))
    resolved = extra.get("resolved")
    return Trajectory(
        instance=str(extra.get("instance_id") or document.get("trajectory_id") or name),
        sample=count(extra.get("sample")),
        format=str(document["schema_version"]),
        policy=str(agent.get("model_name") or agent.get("name") or ""),
        opening=tuple(opening),
        steps=tuple(steps),
        outcome=Outcome(
            exit=str(extra.get("exit_reason") or extra.get("exit_status") or ""),
            over=True,
            resolved=resolved if isinstance(resolved, bool) else None,
            patch=text(extra.get("patch")),
            seconds=number(extra.get("seconds")),
        ),
        facts=facts({key: document[key] for key in document if key != "steps"}),
        started=steps[0].time if steps else "",
    )


def _step(raw: dict[str, Any], place: int, before: str) -> Step:
    metrics, extra = table(raw.get("metrics")), table(raw.get("extra"))
    calls, results = rows(raw.get("tool_calls")), rows(table(raw.get("observation")).get("results"))
    first = calls[0] if calls else {}
    tool, arguments = str(first.get("function_name", "")), table(first.get("arguments"))
    ours = arguments.get("body")
    action = (
        action_of(tool, str(ours)) if isinstance(ours, str) and len(arguments) == 1
        else action_of_arguments(tool, arguments) if first
        else Action("none", "", "")
    )  # fmt: skip
    noted = table(results[0].get("extra")) if results else {}
    code = exit_code(noted.get("exit_code", noted.get("returncode")))
    told = "\n".join(text(result.get("content")) for result in results)
    ok, ending = noted.get("ok") is not False, str(noted.get("ending") or "")
    time = moment(raw.get("timestamp"))
    logprobs = metrics.get("logprobs")
    return Step(
        number=place,
        action=action,
        thinking=text(raw.get("reasoning_content")),
        prose=text(raw.get("message")),
        raw=text(extra.get("raw")) or text(raw.get("message")),
        observation=told,
        answered=bool(results),
        ok=ok,
        exit_code=code,
        ending=ending,
        error=str(noted.get("error") or ""),
        failure=failure_of(
            action, ok=ok, exit_code=code, ending=ending, cause="", observation=told
        ) if results or first else None,
        spent=Spent(
            number(extra.get("model_seconds")) or between(before, time),
            number(noted.get("seconds")),
            number(noted.get("queued")),
        ),
        tokens=Tokens(
            written=count(metrics.get("completion_tokens")),
            context=count(metrics.get("prompt_tokens")) + count(metrics.get("completion_tokens")),
            cached=count(metrics.get("cached_tokens")),
            prompt=count(metrics.get("prompt_tokens")),
            ids=_ids(metrics.get("completion_token_ids")),
            logprobs=tuple(number(p) for p in logprobs) if isinstance(logprobs, list) else (),
        ),
        time=time,
    )  # fmt: skip


def _told(step: Step, message: str) -> Step:
    told = f"{step.observation}\n{message}" if step.answered else message
    return replace(step, observation=told, answered=True)


def _ids(value: object) -> tuple[int, ...]:
    if not isinstance(value, list) or not all(type(token) is int for token in value):
        return ()
    return tuple(value)
