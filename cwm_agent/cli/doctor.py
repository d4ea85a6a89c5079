"""`cwm-agent doctor`: is this machine ready?"""

from __future__ import annotations

import dataclasses
import json
from typing import Annotated

import typer

from cwm_agent.cli.options import Assignments, ConfigFiles, Json
from cwm_agent.exit_codes import ExitCode

app = typer.Typer()


@app.command()
def doctor(
    fix: Annotated[bool, typer.Option("--fix", help="Clean up after killed runs.")] = False,
    config: ConfigFiles = None,
    assignments: Assignments = None,
    as_json: Json = False,
) -> None:
    """Check that this machine is ready, and say how to fix what is not.

    Exits with 0 if an issue can be solved here, with 4 if something is missing.

    \b
    Example:
      cwm-agent doctor --json | jq '.checks[] | select(.status != "ok")'
    """
    from cwm_agent.config.resolve import load_settings
    from cwm_agent.doctor.examine import examine, ready
    from cwm_agent.view.checkup import print_checks

    checks = examine(
        load_settings(config_files=config or (), assignments=assignments or ()), fix=fix
    )
    if as_json:
        table = [dataclasses.asdict(check) for check in checks]
        print(json.dumps({"ready": ready(checks), "checks": table}, indent=2))
    else:
        print_checks(checks)
    if not ready(checks):
        raise typer.Exit(ExitCode.ENVIRONMENT)
