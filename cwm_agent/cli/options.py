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
    typer.Option("--runs", metavar="DIR", help="Runs folder (setting 'runs')."),
]
EngineUrls = Annotated[
    list[str] | None,
    typer.Option("--url", "--engine-url", metavar="URL", help="Server of --model; repeatable."),
]
Ids = Annotated[
    list[str] | None,
    typer.Option("--id", metavar="INSTANCE", help="Only this instance; repeatable."),
]
Match = Annotated[str, typer.Option("--match", metavar="REGEX", help="Only ids that match.")]
Slice = Annotated[str, typer.Option("--slice", metavar="A:B", help="Slice of what is selected.")]
Repositories = Annotated[
    list[str] | None,
    typer.Option("--repository", metavar="OWNER/NAME", help="Only this one; repeatable."),
]
Difficulties = Annotated[
    list[str] | None, typer.Option("--difficulty", help="Only this one; repeatable.")
]
Variables = Annotated[
    list[str] | None,
    typer.Option("--env", metavar="NAME=VALUE", help="Sandbox variable; no secrets."),
]
Setup = Annotated[
    list[str] | None,
    typer.Option("--setup", metavar="COMMAND", help="Run first in each fresh sandbox; repeatable."),
]
Select = Annotated[
    str | None,
    typer.Option("--select", metavar="RECIPE", help="Recipe that chooses among samples."),
]
Until = Annotated[
    float | None,
    typer.Option(
        "--until", metavar="P", help="Draw samples one by one, and none once P(right) is this."
    ),
]
Branch = Annotated[
    bool | None,
    typer.Option("--branch", help="With --until: branch further samples where candidates diverge."),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON to stdout.")]
