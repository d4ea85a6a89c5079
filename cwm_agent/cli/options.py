"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

ConfigFiles = Annotated[
    list[Path] | None,
    typer.Option("--config", metavar="FILE", help="Settings in TOML or YAML; repeatable."),
]
Assignments = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Set one setting, e.g. limits.turns=64."),
]
RunsFolder = Annotated[
    str | None,
    typer.Option("--runs", metavar="DIR", help="Folder of the runs (setting 'runs')."),
]
EngineUrls = Annotated[
    list[str] | None,
    typer.Option("--engine-url", metavar="URL", help="Server of --model; repeatable."),
]
Ids = Annotated[
    list[str] | None,
    typer.Option("--id", metavar="INSTANCE", help="Only this instance; repeatable."),
]
Match = Annotated[str, typer.Option("--match", metavar="REGEX", help="Ids that contain this.")]
Slice = Annotated[str, typer.Option("--slice", metavar="A:B", help="A part of what is left.")]
Repositories = Annotated[
    list[str] | None, typer.Option("--repository", metavar="OWNER/NAME", help="Repeatable.")
]
Difficulties = Annotated[list[str] | None, typer.Option("--difficulty", help="Repeatable.")]
Variables = Annotated[
    list[str] | None,
    typer.Option("--env", metavar="NAME=VALUE", help="Variable of the sandbox; no secrets."),
]
Setup = Annotated[
    list[str] | None,
    typer.Option("--setup", metavar="COMMAND", help="Run in a fresh sandbox first; repeatable."),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON to stdout.")]
