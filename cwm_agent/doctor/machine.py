"""Python, programs, disk, limits and clock of this machine."""

from __future__ import annotations

import os
import platform
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from cwm_agent.doctor.check import GIB, Check

OLDEST_PYTHON = (3, 11)
OLDEST_GIT = (2, 30)
LEAST_FREE, LOW_FREE = 1 * GIB, 5 * GIB
LEAST_INODES, LOW_INODES = 20_000, 500_000
FEW_FILES = 1024
CLOCK_SKEW = 2.0
"""Seconds between the clock here and the file system's, beyond which file ages mislead."""


def python() -> Check:
    """The interpreter that runs this."""
    found = f"{platform.python_version()} at {sys.executable}"
    if sys.version_info < OLDEST_PYTHON:
        return Check("python", "fail", found, "install Python 3.11 or newer")
    return Check("python", "ok", found)


def git() -> Check:
    """Git on this machine: it reads the user's checkout."""
    program = shutil.which("git")
    if program is None:
        return Check("git", "fail", "not installed", "install git, such as `apt install git`")
    done = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=30)
    version = re.search(r"(\d+)\.(\d+)[\d.]*", done.stdout)
    if done.returncode or version is None:
        reason = (done.stderr or done.stdout).strip()
        return Check("git", "fail", f"does not run: {reason}", "reinstall git")
    if (int(version[1]), int(version[2])) < OLDEST_GIT:
        return Check("git", "warn", f"{version[0]} is old", "install git 2.30 or newer")
    return Check("git", "ok", version[0])


def disk(name: str, folder: Path, *, low: int = LOW_FREE) -> Check:
    """Free space where `folder` is, or will be. `low` is in bytes."""
    place = nearest(folder)
    try:
        free = shutil.disk_usage(place).free
    except OSError as error:
        return Check(name, "warn", f"cannot look at {place}: {error.strerror}", f"check {place}")
    found = f"{free / GIB:.1f} GiB free at {place}"
    if free < LEAST_FREE:
        return Check(name, "fail", found, f"free at least {LEAST_FREE / GIB:.0f} GiB there")
    if free < low:
        return Check(name, "warn", found, f"free some space: {low / GIB:.0f} GiB is comfortable")
    return Check(name, "ok", found)


def inodes(name: str, folder: Path) -> Check:
    """Files that can still be made where `folder` is; some file systems count none."""
    place = nearest(folder)
    try:
        status = os.statvfs(place)
    except OSError as error:
        return Check(name, "warn", f"cannot look at {place}: {error.strerror}", f"check {place}")
    if not status.f_files:
        return Check(name, "ok", f"not limited at {place}")
    found = f"{status.f_favail:,} of {status.f_files:,} files can still be made at {place}"
    if status.f_favail < LEAST_INODES:
        return Check(name, "fail", found, "remove images or files there: one image takes thousands")
    if status.f_favail < LOW_INODES:
        return Check(name, "warn", found, f"remove some files: {LOW_INODES:,} is comfortable")
    return Check(name, "ok", found)


def runs_folder(folder: Path) -> Check:
    """Whether runs can be written, tried for real where the folder is or will be made."""
    place = nearest(folder)
    remedy = "choose another folder with the setting 'runs'"
    if not place.is_dir():
        return Check("runs folder", "fail", f"{place} is not a folder", remedy)
    try:
        with tempfile.TemporaryFile(dir=place) as file:
            file.write(b"x")
    except OSError as error:
        return Check("runs folder", "fail", f"cannot write in {place}: {error.strerror}", remedy)
    state = "writable" if folder.is_dir() else "will be created"
    return Check("runs folder", "ok", f"{folder.absolute()}, {state}")


def open_files() -> Check:
    """The limit on open files: each sandbox takes a handful."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    found = f"{_count(soft)} (hard limit {_count(hard)})"
    if soft != resource.RLIM_INFINITY and soft < FEW_FILES:
        return Check("open files", "warn", found, f"raise it: `ulimit -n {FEW_FILES}` or more")
    return Check("open files", "ok", found)


def clock(folder: Path) -> Check:
    """Whether the clock runs, and agrees with the file system of the runs (it may be remote)."""
    found = time.strftime("%Y-%m-%d %H:%M:%S %Z")
    installed = Path(__file__).stat().st_mtime
    if time.time() < installed - 24 * 3600:
        remedy = "set the clock: it is earlier than this installation"
        return Check("clock", "fail", found, remedy)
    try:
        with tempfile.NamedTemporaryFile(dir=nearest(folder)) as file:
            skew = Path(file.name).stat().st_mtime - time.time()
    except OSError:
        return Check("clock", "ok", found)  # `runs_folder` reports that nothing can be written
    if abs(skew) > CLOCK_SKEW:
        found += f", {skew:+.1f} s at {nearest(folder)}"
        return Check("clock", "warn", found, "synchronise the clocks of both machines (NTP)")
    return Check("clock", "ok", found)


def nearest(folder: Path) -> Path:
    """`folder`, or its nearest parent that exists."""
    folder = folder.absolute()
    return next(place for place in (folder, *folder.parents) if place.exists())


def _count(limit: int) -> str:
    return "unlimited" if limit == resource.RLIM_INFINITY else str(limit)
