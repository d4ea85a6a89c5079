"""The table of `cwm-agent doctor`."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table
from rich.text import Text

from cwm_agent.doctor.check import Check
from cwm_agent.view.console import console
from cwm_agent.view.sanitize import clean_line

STYLES = {"ok": "green", "warn": "yellow", "fail": "bold red"}


def print_checks(checks: Sequence[Check]) -> None:
    """One row a check, its remedy below it."""
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column("status", no_wrap=True)
    table.add_column("name", no_wrap=True)
    table.add_column("found", overflow="fold")
    for check in checks:
        found = Text(clean_line(check.found))
        if check.remedy:
            found.append(f"\n→ {clean_line(check.remedy)}", "italic")
        table.add_row(Text(check.status, STYLES[check.status]), Text(check.name, "bold"), found)
    console().print(table)
