"""ATIF v1.8 of harbor. Source: the field tables of the package `atif` 1.8.0."""

from __future__ import annotations

import json
from typing import Any

from cwm_agent import __version__
from cwm_agent.view.trajectory.trajectory import Action, Step, Trajectory

VERSION = "ATIF-v1.8"


def as_atif(known: Trajectory) -> str:
    """A document as JSON; nulls and empty parts are left out."""
    steps: list[dict[str, Any]] = []
    for message in known.opening:
        source = "system" if message.role == "system" else "user"
        steps.append({"step_id": len(steps) + 1, "source": source, "message": message.text})
    steps += [_step(step, len(steps) + n) for n, step in enumerate(known.steps, 1)]
    if not steps:
        steps.append({"step_id": 1, "source": "system", "message": ""})
    outcome = known.outcome
    extra = {
        "instance_id": known.instance,
        "sample": known.sample,
        "exit_reason": outcome.exit,
        "resolved": outcome.resolved,
        "patch": outcome.patch,
        "seconds": known.seconds,
    }
    document = {
        "schema_version": VERSION,
        "session_id": known.facts.get("run") or known.instance,
        "trajectory_id": f"{known.instance}/{known.sample}",
        "agent": _full(
            {"name": "cwm-agent", "version": __version__, "model_name": known.policy or None}
        ),
        "steps": steps,
        "final_metrics": {
            "total_prompt_tokens": sum(step.tokens.prompt for step in known.steps),
            "total_completion_tokens": known.tokens,
            "total_cached_tokens": sum(step.tokens.cached for step in known.steps),
            "total_steps": len(steps),
        },
        "extra": _full(extra),
    }
    return json.dumps(document, indent=1) + "\n"


def _step(step: Step, place: int) -> dict[str, Any]:
    found: dict[str, Any] = {
        "step_id": place,
        "timestamp": step.time or None,
        "source": "agent",
        "message": step.prose,
        "reasoning_content": step.thinking or None,
        "metrics": _metrics(step),
        "extra": _full({"raw": step.raw or None, "model_seconds": step.spent.model or None}),
    }
    call = f"call-{place}"
    if step.action.kind != "none":
        name = step.action.tool or step.action.kind
        arguments = arguments_of(step.action)
        found["tool_calls"] = [
            {"tool_call_id": call, "function_name": name, "arguments": arguments}
        ]
    if step.answered:
        result = {
            "source_call_id": call if step.action.kind != "none" else None,
            "content": step.observation,
            "extra": _full(
                {
                    "ok": step.ok,
                    "exit_code": step.exit_code,
                    "ending": step.ending or None,
                    "error": step.error or None,
                    "seconds": step.spent.tool,
                    "queued": step.spent.waiting or None,
                    "dropped_bytes": step.dropped_bytes or None,
                }
            ),
        }
        found["observation"] = {"results": [_full(result)]}
    return _full(found)


def arguments_of(action: Action) -> dict[str, str]:
    """A call's parts by name; the body where its tool has no parts that are known."""
    match action.kind:
        case "bash":
            return {"command": action.body}
        case "edit" if action.search:
            return {"path": action.path, "search": action.search, "replace": action.replace}
        case "create" if action.path:
            return {"path": action.path, "content": action.replace}
    return {"body": action.body}


def _metrics(step: Step) -> dict[str, Any] | None:
    tokens = step.tokens
    known = list(tokens.logprobs)
    found = {
        "prompt_tokens": tokens.prompt or None,
        "completion_tokens": tokens.written or None,
        "cached_tokens": tokens.cached or None,
        "completion_token_ids": list(tokens.ids) or None,
        "logprobs": known if known and None not in known else None,
    }
    return _full(found) or None


def _full(table: dict[str, Any]) -> dict[str, Any]:
    """Without nulls and empty tables."""
    return {key: value for key, value in table.items() if value is not None and value != {}}
