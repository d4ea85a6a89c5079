"""The formats of one attempt, by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from cwm_agent.errors import UsageError
from cwm_agent.view.exports.atif import as_atif
from cwm_agent.view.exports.html import as_html
from cwm_agent.view.exports.markdown import as_markdown
from cwm_agent.view.exports.mini import as_mini
from cwm_agent.view.trajectory.trajectory import Trajectory
from results.files import write_atomically
from results.store import folder_name


@dataclass(frozen=True, slots=True)
class Format:
    """How one is written."""

    name: str
    suffix: str
    about: str
    write: Callable[[Trajectory], str]


FORMATS: Mapping[str, Format] = {
    form.name: form
    for form in (
        Format("html", ".html", "one page, folded and searchable, no network", as_html),
        Format("md", ".md", "for an issue or a report", as_markdown),
        Format("atif", ".atif.json", "ATIF v1.8, with token ids", as_atif),
        Format("mini", ".traj.json", "mini-swe-agent's trajectory", as_mini),
    )
}


def file_name(known: Trajectory, suffix: str) -> str:
    """Such as `django-10097.0.html`."""
    return f"{folder_name(known.instance)}.{known.sample}{suffix}"


def write_export(name: str, known: Trajectory, folder: Path) -> Path:
    """Write one attempt into a folder; returns the file. Raises UsageError, RunFolderError."""
    if name not in FORMATS:
        raise UsageError(f"unknown format {name!r}; use {', '.join(FORMATS)}")
    form = FORMATS[name]
    path = folder / file_name(known, form.suffix)
    text = form.write(known)
    folder.mkdir(parents=True, exist_ok=True)
    write_atomically(
        path, text.encode("utf-8", "surrogatepass" if "json" in form.suffix else "replace")
    )
    return path
