"""The sandboxes where commands run, and what they left behind."""

from __future__ import annotations

import os
from dataclasses import replace

from cwm_agent.doctor.check import Check
from envs.registry import AUTO, CHOICES, CHOICES_TEXT
from envs.sandbox.kind import SandboxKind


def works(kind: SandboxKind) -> Check:
    """Opens a real sandbox of the kind and runs a command in it, where it needs no contents."""
    from envs.errors import SandboxError
    from envs.sandbox.kind import SandboxSpec
    from envs.sandbox.owner import boot_id
    from envs.sandbox.sandbox import Owner

    remedy = f"see docs/sandboxes.md, or use another of {CHOICES_TEXT}"
    try:
        kind.check()
        if kind.empty is None:
            return Check(kind.name, "ok", "is there")
        owner = Owner("doctor", "doctor", 0, os.getpid(), boot_id())
        with kind.empty(SandboxSpec(owner, root="/tmp")) as sandbox:
            result = sandbox.run("echo ready", timeout=10.0)
    except SandboxError as error:
        found, _, advice = str(error).partition("; ")
        return Check(kind.name, "warn", found, advice or remedy)
    if result.exit_code != 0 or result.output.strip() != "ready":
        return Check(kind.name, "warn", f"a command ended as {result}", remedy)
    return Check(kind.name, "ok", "a sandbox opens and runs commands")


def required(checks: list[Check], kind: str) -> list[Check]:
    """Make it a failure that no sandbox of the configured `kind` works (auto: any will do)."""
    wanted = set(CHOICES) - {AUTO} if kind == AUTO else {kind}
    if any(check.name in wanted and check.status == "ok" for check in checks):
        return checks
    return [replace(check, status="fail") if check.name in wanted else check for check in checks]


def orphans(*, fix: bool) -> Check:
    """What sandboxes of dead processes left behind; removed when `fix`."""
    from envs.cleanup import find_orphans, sweep

    removed = len(sweep()) if fix else 0
    left = find_orphans()
    found = f"removed {removed}, {len(left)} left" if fix else f"{len(left)} left behind"
    if not left:
        return Check("orphans", "ok", found if fix else "none")
    names = ", ".join(f"{orphan.kind} {orphan.name}" for orphan in left[:3])
    remedy = "stop or remove them by hand" if fix else "run `cwm-agent doctor --fix`"
    return Check("orphans", "warn", f"{found}: {names}", remedy)
