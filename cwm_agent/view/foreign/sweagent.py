"""SWE-agent's `.traj`: one object a step, with thought, action and observation."""

from __future__ import annotations

import json
import shlex
from itertools import pairwise
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

_SUBMITS = ("submit",)
_EDITOR = "str_replace_editor"
_CHANGES = ("str_replace", "insert", "create")
"""What its editor does that changes a file."""
_DONE = ("has been edited", "created successfully")
_REFUSED = ("Your command was not executed", "Your proposed edit has introduced new syntax")
_LATE = ("timed out", "was cancelled because it took more than")


def is_sweagent(document: object) -> bool:
    """Whether it has the shape of one."""
    found = table(document)
    return (isinstance(found.get("trajectory"), list) and "info" in found) or bool(_last(found))


def read_sweagent(document: dict[str, Any], name: str) -> Trajectory:
    """A document as a trajectory of the instance `name`.

    Of several attempts it holds them all, and beside them the best; while they go on, only
    them: then the last one is shown.
    """
    if "trajectory" not in document:
        document = _last(document) | {"environment": document.get("environment")}
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
        policy=str(info.get("model_name") or _model(document.get("replay_config"))),
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


def _last(document: dict[str, Any]) -> dict[str, Any]:
    """The last of several attempts, {} where there are none."""
    attempts = [one for one in rows(document.get("attempts")) if "trajectory" in one]
    return attempts[-1] if attempts else {}


def _model(config: object) -> str:
    """The model's name in the settings of a run, which are JSON in a string."""
    try:
        read = table(json.loads(text(config) or "{}"))
    except (ValueError, RecursionError):
        return ""
    return text(table(table(read.get("agent")).get("model")).get("name"))


def _step(raw: dict[str, Any], place: int) -> Step:
    told = text(raw.get("observation")).replace("\r\n", "\n")  # it is read from a terminal
    action = _action(raw, text(raw.get("action")))
    ok = not told.lstrip().startswith(_REFUSED)
    if action.tool == _EDITOR:
        ok = any(word in told for word in _DONE)
    ending = "timeout" if any(word in told[:500].lower() for word in _LATE) else ""
    return Step(
        number=place,
        action=action,
        thinking="",
        prose=text(raw.get("thought")),
        raw=text(raw.get("response")),
        observation=told.strip("\n"),
        answered=True,
        ok=ok,
        ending=ending,
        failure=failure_of(
            action, ok=ok, exit_code=None, ending=ending, cause="", observation=told
        ),
        spent=Spent(tool=number(raw.get("execution_time"))),
        diff=text(table(raw.get("state")).get("diff")) or None,
    )


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
    if words[0] == _EDITOR and len(words) > 2 and words[1] in _CHANGES:
        return action_of_arguments(_EDITOR, _arguments(stripped))
    if words[0] in ("edit", "insert"):
        return Action("edit", words[0], said)
    return Action("bash", words[0] if words[0] in ("bash", "python") else "bash", said)


def _arguments(said: str) -> dict[str, object]:
    """The editor's arguments by name, as a shell would part them."""
    try:
        command, path, *rest = shlex.split(said)[1:]
    except ValueError:  # an open quote: the shell refused it, too
        command, path, *rest = said.split(None, 3)[1:]
    named = {
        option.removeprefix("--"): value
        for option, value in pairwise(rest)
        if option in ("--old_str", "--new_str", "--file_text", "--insert_line")
    }
    return {"command": command, "path": path, **named}
