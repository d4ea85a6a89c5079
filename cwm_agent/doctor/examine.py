"""Is this machine ready? Runs every check and says what to do about each finding."""

from __future__ import annotations

from cwm_agent.config.resolve import Resolved
from cwm_agent.doctor import containers, engine, machine, sandboxes, served
from cwm_agent.doctor.check import Check
from envs.docker.kind import DOCKER
from envs.registry import SANDBOX_KINDS


def examine(resolved: Resolved, *, fix: bool = False) -> list[Check]:
    """All checks under these settings. With `fix`, orphans of dead runs are removed."""
    settings, runs = resolved.settings, resolved.runs_folder()
    model = served.model(settings)
    if model is None:
        model = [*engine.torch(), engine.triton(), engine.hugging_face()]
        model.append(engine.checkpoint(settings))
    places: list[Check] = []
    for kind in SANDBOX_KINDS:
        places += containers.docker() if kind is DOCKER else [sandboxes.works(kind)]
    return [
        machine.python(),
        machine.git(),
        *sandboxes.required(places, settings.sandbox.kind),
        sandboxes.orphans(fix=fix),
        machine.runs_folder(runs),
        machine.disk("runs disk", runs),
        machine.open_files(),
        machine.clock(runs),
        *model,
    ]


def ready(checks: list[Check]) -> bool:
    """Whether nothing failed."""
    return all(check.status != "fail" for check in checks)
