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
Json = Annotated[bool, typer.Option("--json", help="Print JSON to stdout.")]
