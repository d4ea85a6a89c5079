"""`cwm-agent config`: what is set, where it comes from, and how to set it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from cwm_agent.cli.options import Assignments, ConfigFiles, Json

app = typer.Typer(help="Show settings and where they come from.", no_args_is_help=True)


@app.command()
def show(
    config: ConfigFiles = None,
    assignments: Assignments = None,
    origin: Annotated[bool, typer.Option("--origin", help="Show where each value is set.")] = False,
    as_json: Json = False,
) -> None:
    """Print the settings that a command started here would use.

    \b
    Example:
      cwm-agent config show --origin --set limits.turns=64
    """
    from cwm_agent.config.resolve import load_settings
    from cwm_agent.config.template import shown_value

    resolved = load_settings(config_files=config or (), assignments=assignments or ())
    records = resolved.records()
    if as_json and origin:
        table = {key: {"value": r.value, "origin": r.origin} for key, r in records.items()}
        print(json.dumps(table, indent=2))
    elif as_json:
        print(json.dumps(resolved.settings.model_dump(mode="json"), indent=2))
    else:
        lines = {key: f"{key} = {shown_value(record.value)}" for key, record in records.items()}
        width = max(map(len, lines.values()))
        for key, line in lines.items():
            print(f"{line:<{width}}  # {records[key].origin}" if origin else line)


@app.command()
def path(as_json: Json = False) -> None:
    """Print the files that settings are read from, highest precedence last.

    \b
    Example:
      cwm-agent config path
    """
    from cwm_agent.config.layers import ConfigFiles

    files = ConfigFiles().files()
    if as_json:
        print(json.dumps([{"path": str(file), "exists": file.is_file()} for file in files]))
    else:
        for file in files:
            print(f"{file}{'' if file.is_file() else '  (absent)'}")


@app.command()
def init(
    project: Annotated[
        bool, typer.Option("--project", help="Write ./cwm-agent.toml, not the user's file.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace an existing file.")] = False,
) -> None:
    """Write a settings file in which every setting is explained and commented out.

    \b
    Example:
      cwm-agent config init --project
    """
    from cwm_agent.config.layers import ConfigFiles
    from cwm_agent.config.template import template
    from cwm_agent.errors import UsageError

    target = Path("cwm-agent.toml") if project else ConfigFiles().user
    if target.exists() and not force:
        raise UsageError(f"{target} already exists; edit it, or replace it with --force")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(template(), encoding="utf-8")
    except OSError as error:
        raise UsageError(f"cannot write {target}: {error.strerror}") from error
    print(target)


@app.command()
def trust(
    revoke: Annotated[bool, typer.Option("--revoke", help="Trust them no longer.")] = False,
) -> None:
    """Let this folder's own settings files say where commands run and who answers.

    Without it they may only say how an attempt goes (docs/security.md). Prints what is
    trusted: these values, until one changes.

    \b
    Example:
      cwm-agent config trust
    """
    from cwm_agent.config.layers import ConfigFiles, project_layers
    from cwm_agent.config.resolve import resolve
    from cwm_agent.config.template import shown_value
    from cwm_agent.config.trust import is_guarded
    from cwm_agent.errors import UsageError

    places = ConfigFiles()
    layers = project_layers(places)
    resolve(list(layers.values()))
    if not layers:
        raise UsageError("there is no settings file in this folder; `cwm-agent config init`")
    values = {path: {} if revoke else layer.values for path, layer in layers.items()}
    places.trusted.trust(values)
    for path, chosen in values.items():
        for key in filter(is_guarded, chosen):
            print(f"{path.name}: {key} = {shown_value(chosen[key])}")


@app.command()
def schema() -> None:
    """Print the JSON Schema of the settings.

    \b
    Example:
      cwm-agent config schema > cwm-agent.schema.json
    """
    from cwm_agent.config.settings import Settings

    print(json.dumps(Settings.model_json_schema(), indent=2))
