"""What a program may know of trajectories by default: figures and states, no word of the model.

Whatever an agent or a repository wrote can carry instructions to the agent that reads this. So
texts are left out unless they are asked for, and names come from short, fixed lists.
"""

from __future__ import annotations

import re
from typing import Any

from cwm_agent.view.trajectory.trajectory import Step, Trajectory

_WORD = re.compile(r"[A-Za-z][A-Za-z0-9_ ]{0,39}")


def summary(known: Trajectory) -> dict[str, Any]:
    """One attempt: how it stands, what it cost, and a line for each step."""
    outcome = known.outcome
    verdict = outcome.verdict
    tests = (verdict.fail_to_pass, verdict.pass_to_pass) if verdict else ({}, {})
    return {
        "instance": known.instance,
        "sample": known.sample,
        "format": known.format,
        "exit": outcome.exit if _WORD.fullmatch(outcome.exit) else "",
        "over": outcome.over,
        "resolved": outcome.resolved,
        "fail_to_pass": [sum(tests[0].values()), len(tests[0])],
        "pass_to_pass": [sum(tests[1].values()), len(tests[1])],
        "steps": len(known.steps),
        "failed_steps": sum(step.failure is not None for step in known.steps),
        "tokens": known.tokens,
        "seconds": round(known.seconds, 3),
        "patch_lines": outcome.patch.count("\n"),
        "readable": not known.problem,
        "turns": [_turn(step) for step in known.steps],
    }


def _turn(step: Step) -> dict[str, Any]:
    return {
        "turn": step.number,
        "kind": step.action.kind,
        "ok": step.ok,
        "exit_code": step.exit_code,
        "failure": step.failure,
        "model_seconds": round(step.spent.model, 3),
        "tool_seconds": round(step.spent.tool, 3),
        "tokens": step.tokens.written,
        "context": step.tokens.context,
    }
