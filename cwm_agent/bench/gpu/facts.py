"""Which machine, which software, which commit."""

from __future__ import annotations

import importlib.metadata
import platform
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch

_PACKAGES = ("torch", "triton", "transformers", "pytest")


def facts(device: torch.device) -> dict[str, Any]:
    """Machine, date, commit and versions, as the report begins."""
    return {
        "machine": _machine(device),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": _commit(),
        "software": {"python": platform.python_version(), "cuda": torch.version.cuda}
        | {name: _version(name) for name in _PACKAGES},
    }


def _machine(device: torch.device) -> str:
    if device.type != "cuda":
        return f"{platform.processor() or platform.machine()}, no GPU"
    card = torch.cuda.get_device_properties(device)
    return f"{card.name}, {card.total_memory / 2**30:.1f} GiB"


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _commit() -> str:
    """The commit of this checkout, marked when files differ from it."""
    found = _git("rev-parse", "HEAD")
    if found is None:
        return "unknown"
    return f"{found} with changes" if _git("status", "--porcelain", "-uno") else found


def _git(*arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", *arguments],
            cwd=Path(__file__).parent,
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError:
        return None
    return done.stdout.strip() if done.returncode == 0 else None
