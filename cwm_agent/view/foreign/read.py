"""Finds out who recorded a file, and reads it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from cwm_agent.view.foreign.atif import is_atif, read_atif
from cwm_agent.view.foreign.mini import is_mini, read_mini
from cwm_agent.view.foreign.openhands import is_openhands, read_openhands
from cwm_agent.view.foreign.sweagent import is_sweagent, read_sweagent
from cwm_agent.view.trajectory.trajectory import Outcome, Trajectory
from results.codec import parse_json

SUFFIXES = (".traj.json", ".traj", ".atif.json", "trajectory.json", ".jsonl", ".json")
"""Endings of files that may hold a trajectory."""
FORMATS: tuple[tuple[Callable[[object], bool], Callable[[Any, str], Trajectory]], ...] = (
    (is_atif, read_atif),
    (is_sweagent, read_sweagent),
    (is_openhands, read_openhands),
    (is_mini, read_mini),
)
KNOWN = "ATIF, mini-swe-agent (.traj.json), SWE-agent (.traj) and OpenHands"


def name_of(path: Path) -> str:
    """The instance that a file name stands for; a general name gives way to the folder's."""
    name = path.name
    for suffix in SUFFIXES:
        name = name.removesuffix(suffix)
    return name if name and name not in ("trajectory", "events", "output") else path.parent.name


def read_document(document: object, name: str) -> Trajectory | None:
    """The trajectory in a JSON value, None where no known program wrote it."""
    for recognises, read in FORMATS:
        if recognises(document):
            return read(document, name)
    return None


def read_file(path: Path) -> list[Trajectory]:
    """All trajectories of a file, a bad one as an empty one that says why it is bad.

    A file of lines (.jsonl) may hold one in each line, or one event in each.
    """
    name = name_of(path)
    try:
        data = path.read_bytes()
    except OSError as error:
        return [_bad(name, f"cannot read {path}: {error.strerror}")]
    if path.suffix == ".jsonl":
        return _lines(data, path, name)
    try:
        found = read_document(parse_json(data), name)
    except ValueError as error:
        return [_bad(name, f"{path} is no JSON: {error}")]
    return [found or _bad(name, f"{path} is no trajectory; known are {KNOWN}")]


def _lines(data: bytes, path: Path, name: str) -> list[Trajectory]:
    found: list[Trajectory] = []
    events: list[object] = []
    for number, line in enumerate(data.split(b"\n"), 1):
        if not line.strip():
            continue
        try:
            value = parse_json(line)
        except ValueError as error:
            found.append(_bad(f"{name}:{number}", f"{path}, line {number} is no JSON: {error}"))
            continue
        if (read := read_document(value, f"{name}:{number}")) is not None:
            found.append(read)
        else:
            events.append(value)
    if events and (read := read_document(events, name)) is not None:
        found.append(read)
    elif not found:
        found.append(_bad(name, f"{path} holds no trajectory; known are {KNOWN}"))
    return found


def looks_like_one(path: Path) -> bool:
    """Whether a file's name, or how it begins, is that of a trajectory."""
    if path.name.endswith((".traj.json", ".traj", ".atif.json")):
        return True
    if path.suffix not in (".json", ".jsonl") or not path.is_file():
        return False
    try:
        with path.open("rb") as file:
            head = file.read(4096)
    except OSError:
        return False
    marks = (b'"schema_version": "ATIF', b'"schema_version":"ATIF', b'"trajectory_format"')
    return any(mark in head for mark in marks) or (
        path.name in ("output.jsonl", "trajectory.json") and head[:1] in (b"[", b"{")
    )


def _bad(name: str, problem: str) -> Trajectory:
    return Trajectory(name, format="unreadable", outcome=Outcome(over=True), problem=problem)
