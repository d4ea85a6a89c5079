"""mini-swe-agent's `.traj.json`, format 1.1, as its own inspector opens it."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from cwm_agent import __version__
from cwm_agent.view.trajectory.trajectory import Step, Trajectory

FORMAT = "mini-swe-agent-1.1"


def as_mini(known: Trajectory) -> str:
    """Chat messages, each with its `extra`."""
    messages: list[dict[str, Any]] = [
        {"role": "system" if message.role == "system" else "user", "content": message.text}
        for message in known.opening
    ]
    for step in known.steps:
        messages += _messages(step)
    exits = {"submitted": "Submitted", "turn_limit": "LimitsExceeded"}
    status = exits.get(known.outcome.exit, known.outcome.exit)
    ended = {"exit_status": status, "submission": known.outcome.patch}
    if known.outcome.over:
        messages.append({"role": "exit", "content": status, "extra": ended})
    document = {
        "info": {
            "model_stats": {"instance_cost": 0.0, "api_calls": len(known.steps)},
            "config": {"model": {"model_name": known.policy}},
            "mini_version": f"cwm-agent {__version__}",
            **ended,
        },
        "messages": messages,
        "trajectory_format": FORMAT,
        "instance_id": known.instance,
    }
    return json.dumps(document, indent=1) + "\n"


def _messages(step: Step) -> list[dict[str, Any]]:
    command = step.action.body if step.action.kind != "none" else ""
    actions = [{"command": command}] if command or step.action.kind == "submit" else []
    said: dict[str, Any] = {
        "role": "assistant",
        "content": step.raw or step.prose,
        "extra": {"actions": actions, "cost": 0.0, **_time(step)},
    }
    if step.thinking:
        said["reasoning_content"] = step.thinking
    if not step.answered:
        return [said]
    extra: dict[str, Any] = {"raw_output": step.observation}
    if step.action.kind == "none":
        extra["interrupt_type"] = "FormatError"
    elif step.exit_code is not None or step.action.kind != "bash":
        extra["returncode"] = step.exit_code if step.exit_code is not None else int(not step.ok)
    if step.error:
        extra["exception_info"] = step.error
    return [said, {"role": "user", "content": step.observation, "extra": extra}]


def _time(step: Step) -> dict[str, float]:
    return {"timestamp": datetime.fromisoformat(step.time).timestamp()} if step.time else {}
