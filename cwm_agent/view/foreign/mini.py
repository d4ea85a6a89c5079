"""mini-swe-agent's `.traj.json`: messages of a chat, each with an `extra`."""

from __future__ import annotations

import json
import re
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

SUBMITTED = "Submitted"
_BLOCK = re.compile(r"```(?:mswea_bash_command|bash|sh)\s*\n(.*?)\n```", re.DOTALL)


def is_mini(document: object) -> bool:
    """Whether it is one, or a bare list of chat messages."""
    if isinstance(document, list):
        return bool(document) and all("role" in row for row in rows(document)[:3] or [{}])
    found = table(document)
    return isinstance(found.get("messages"), list) and (
        "trajectory_format" in found or "info" in found
    )


def read_mini(document: Any, name: str) -> Trajectory:
    """A document as a trajectory; `name` where it names no instance."""
    found = table(document)
    messages = rows(document if isinstance(document, list) else found.get("messages"))
    info = table(found.get("info"))
    opening: list[Message] = []
    steps: list[Step] = []
    ended: dict[str, Any] = {}
    last = ""
    for message in messages:
        role = str(message.get("role", ""))
        time = moment(table(message.get("extra")).get("timestamp"))
        if role == "assistant":
            steps.append(_step(message, len(steps) + 1, between(last, time), time))
        elif role == "exit":
            ended = table(message.get("extra"))
        elif steps:
            steps[-1] = _observed(steps[-1], message, between(last, time))
        else:
            opening.append(Message(role, text(message.get("content"))))
        last = time or last
    status = str(info.get("exit_status") or ended.get("exit_status") or "")
    model = table(table(info.get("config")).get("model"))
    return Trajectory(
        instance=str(found.get("instance_id") or name),
        format=str(found.get("trajectory_format", "mini-swe-agent")),
        policy=str(model.get("model_name") or ""),
        opening=tuple(opening),
        steps=tuple(steps),
        outcome=Outcome(
            exit=status,
            over=bool(status),
            patch=text(info.get("submission") or ended.get("submission")),
            detail=text(info.get("exception_str")),
        ),
        facts=facts(info),
        started=steps[0].time if steps else "",
        log=text(info.get("traceback")),
    )


def _step(message: dict[str, Any], place: int, seconds: float, time: str) -> Step:
    extra = table(message.get("extra"))
    content = text(message.get("content"))
    usage = table(table(extra.get("response")).get("usage"))
    written, prompt = count(usage.get("completion_tokens")), count(usage.get("prompt_tokens"))
    return Step(
        number=place,
        action=_action(message, extra, content),
        thinking=text(message.get("reasoning_content") or message.get("reasoning")),
        prose=content,
        raw=content,
        spent=Spent(model=seconds),
        tokens=Tokens(written, prompt + written, prompt=prompt),
        time=time,
    )


def _action(message: dict[str, Any], extra: dict[str, Any], content: str) -> Action:
    commands = [text(action.get("command")) for action in rows(extra.get("actions"))]
    if commands:
        return Action("bash", "bash", "\n".join(commands))
    for call in rows(message.get("tool_calls")):
        function = table(call.get("function"))
        try:
            arguments = table(json.loads(text(function.get("arguments")) or "{}"))
        except (ValueError, RecursionError):
            continue
        return action_of_arguments(str(function.get("name", "")), arguments)
    found = _BLOCK.findall(content)
    return Action("bash", "bash", found[0]) if len(found) == 1 else Action("none", "", "")


def _observed(step: Step, message: dict[str, Any], seconds: float) -> Step:
    extra = table(message.get("extra"))
    code = exit_code(extra.get("returncode"))
    malformed = extra.get("interrupt_type") == "FormatError"
    action = replace(step.action, kind="none") if malformed else step.action
    content = text(message.get("content"))
    told = f"{step.observation}\n{content}" if step.answered else content
    timeout = "timed out" in text(extra.get("exception_info")) or code == 124
    ok = not malformed and (code in (None, 0))
    ending = "timeout" if timeout else ""
    return replace(
        step,
        action=action,
        observation=told,
        answered=True,
        ok=ok,
        exit_code=code if code is not None else step.exit_code,
        ending=ending,
        error=text(extra.get("exception_info")),
        failure=failure_of(
            action, ok=ok, exit_code=code, ending=ending, cause="", observation=told
        ),
        spent=replace(step.spent, tool=step.spent.tool + seconds),
    )
