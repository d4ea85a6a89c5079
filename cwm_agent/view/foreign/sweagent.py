"""SWE-agent's `.traj`: one object a step, with thought, action and observation."""

from __future__ import annotations

from typing import Any

from cwm_agent.view.foreign.values import facts, number, rows, table, text
from cwm_agent.view.trajectory.actions import action_of_arguments
from cwm_agent.view.trajectory.failures import failure_of
from cwm_agent.view.trajectory.trajectory import (
    Action,
    Outcome,
    Spent,
    Step,
    Trajectory,
)
from results.records import Message

_EDITS = ("str_replace_editor str_replace", "str_replace_editor insert", "edit ")
_SUBMITS = ("submit",)
_REFUSED = ("Your command was not executed", "Your proposed edit has introduced new syntax")


def is_sweagent(document: object) -> bool:
    """Whether it has the shape of one."""
    found = table(document)
    return isinstance(found.get("trajectory"), list) and "info" in found


def read_sweagent(document: dict[str, Any], name: str) -> Trajectory:
    """A document as a trajectory of the instance `name`."""
    info = table(document.get("info"))
    opening = []
    for message in rows(document.get("history")):
        if message.get("role") == "assistant":
            break
        if not message.get("is_demo"):
            opening.append(Message(str(message.get("role", "")), text(message.get("content"))))
    status = str(info.get("exit_status") or "")
    stats = table(info.get("model_stats"))
    return Trajectory(
        instance=name,
        format="SWE-agent",
        policy=str(info.get("model_name") or ""),
        opening=tuple(opening),
        steps=tuple(
            _step(raw, place) for place, raw in enumerate(rows(document.get("trajectory")), 1)
        ),
        outcome=Outcome(
            exit=status,
            over=bool(status),
            patch=text(info.get("submission")),
            detail=f"{stats['api_calls']} calls" if "api_calls" in stats else "",
        ),
        facts=facts(info) | {"environment": text(document.get("environment"))},
    )


def _step(raw: dict[str, Any], place: int) -> Step:
    said, told = text(raw.get("action")), text(raw.get("observation"))
    action = _action(raw, said)
    ok = not told.startswith(_REFUSED)
    return Step(
        number=place,
        action=action,
        thinking="",
        prose=text(raw.get("thought")),
        raw=text(raw.get("response")),
        observation=told,
        answered=True,
        ok=ok,
        ending="timeout" if "timed out" in told[:500] else "",
        failure=failure_of(
            action, ok=ok, exit_code=None, ending="timeout" if "timed out" in told[:500] else "",
            cause="", observation=told,
        ),
        spent=Spent(tool=number(raw.get("execution_time"))),
        diff=text(table(raw.get("state")).get("diff")) or None,
    )  # fmt: skip


def _action(raw: dict[str, Any], said: str) -> Action:
    stripped = said.strip()
    if not stripped:
        return Action("none", "", "")
    for call in rows(raw.get("tool_calls")):
        function = table(call.get("function"))
        if isinstance(function.get("arguments"), dict):
            return action_of_arguments(str(function.get("name", "")), function["arguments"])
    words = stripped.split(None, 3)
    if stripped.startswith(_SUBMITS):
        return Action("submit", words[0], said)
    if stripped.startswith(_EDITS):
        return Action("edit", words[0], said, path=words[2] if len(words) > 2 else "")
    if stripped.startswith("str_replace_editor create"):
        return Action("create", words[0], said, path=words[2] if len(words) > 2 else "")
    return Action("bash", words[0] if words[0] in ("bash", "python") else "bash", said)
