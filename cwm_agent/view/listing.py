"""The list of runs and attempts behind `cwm-agent ls`."""

from __future__ import annotations

import dataclasses
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from rich.table import Table
from rich.text import Text

from cwm_agent.view.console import console
from cwm_agent.view.sanitize import clean_line
from results.errors import RunFolderError
from results.index import Row, rows
from results.scores import Standing, Verdicts
from results.store import Store, folder_name

STYLES: dict[Standing, str] = {
    "resolved": "green", "unresolved": "red", "infrastructure": "yellow", "not scored": "dim",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Listed:
    """One line of the list. `live` means that a process works on the attempt now."""

    run: str
    row: Row
    live: bool
    verdict: Standing

    def as_json(self) -> dict[str, object]:
        """Flat, with the keys of Row; `resolved` is what the verdict says."""
        resolved = {"resolved": True, "unresolved": False}.get(self.verdict)
        row = dataclasses.asdict(self.row) | {"resolved": resolved}
        return {"run": self.run, **row, "live": self.live, "verdict": self.verdict}


def listing(store: Store) -> list[Listed]:
    """Every attempt of every run, the newest run first."""
    found = []
    for run in store.runs():
        live = {a.folder.relative_to(run.folder).as_posix() for a in run.attempts() if a.live}
        verdicts = Verdicts(run.scores)
        for row in rows(run):
            folder = f"{folder_name(row.instance)}/{row.sample}"
            verdict = verdicts.standing(row.instance, row.patch, row.resolved)
            found.append(Listed(run.name, row, folder in live, verdict))
    return found


def unreadable(store: Store) -> list[str]:
    """What in the folder is a run, or may be one, and cannot be read: each with the reason."""
    said = []
    if store.root.is_dir():
        folders = (path for path in sorted(store.root.iterdir()) if path.is_dir())
        said = [f"{path} must not be entered" for path in folders if not os.access(path, os.X_OK)]
    for run in store.runs():
        try:
            run.info()
        except RunFolderError as error:
            said.append(str(error))
    return said


def print_listing(listed: list[Listed], unreadable: Sequence[str], *, as_json: bool) -> None:
    """Print the list to stdout; that it is empty, and what cannot be read, to stderr."""
    for reason in unreadable:
        print(f"warning: {clean_line(reason)}", file=sys.stderr)
    if as_json:
        print(json.dumps([item.as_json() for item in listed], indent=2))
        return
    if not listed:
        if unreadable:
            return
        print("no runs yet; start one with `cwm-agent solve`", file=sys.stderr)
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("run", "instance", "policy", "exit", "verdict", "turns", "age"):
        table.add_column(name, justify="right" if name == "turns" else "left", no_wrap=True)
    now = datetime.now(UTC)
    for item in listed:
        row = item.row
        table.add_row(
            Text(clean_line(item.run)),
            Text(clean_line(f"{row.instance} #{row.sample}")),
            Text(clean_line(row.policy)),
            _exit_text(item),
            Text(item.verdict, STYLES[item.verdict]) if row.exit_reason else Text("-"),
            Text(str(row.turns)),
            Text(age(row.started, now)),
        )
    console().print(table)


def age(since: str, now: datetime) -> str:
    """How long ago an ISO time was, in its two largest units; "-" for an empty text."""
    if not since:
        return "-"
    minutes, seconds = divmod(
        max(0, int((now - datetime.fromisoformat(since)).total_seconds())), 60
    )
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days}d {hours}h"
    if hours:
        return f"{hours}h {minutes}m"
    return f"{minutes}m {seconds}s" if minutes else f"{seconds}s"


def _exit_text(item: Listed) -> Text:
    if item.row.problem:
        return Text("damaged", "red")
    if item.live:
        return Text("running", "yellow")
    if not item.row.started:
        return Text("not begun", "yellow")  # its image or environment could not be had
    if item.row.exit_reason is None:
        return Text("killed", "red")  # no result, and nobody writes one
    return Text(clean_line(item.row.exit_reason))
