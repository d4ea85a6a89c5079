"""Which machine, which software, which commit; and what that machine can do at most."""

from __future__ import annotations

import importlib.metadata
import platform
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import torch

from cwm_agent.bench.gpu.measure.bench import Bench
from cwm_agent.bench.gpu.measure.ceilings import measure_ceilings

_PACKAGES = ("torch", "triton", "transformers", "pytest")


def probe(bench: Bench) -> None:
    """Machine, date, commit and versions; whether there is a device at all."""
    if bench.device.type == "cuda" and not torch.cuda.is_available():
        bench.report.tell("no_device", torch=torch.__version__)
        return
    facts = {
        "machine": _machine(bench.device),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": bench.task.arguments.get("commit") or _commit(),
        "software": {"python": platform.python_version(), "cuda": torch.version.cuda}
        | {name: _version(name) for name in _PACKAGES},
    }
    bench.report.tell("facts", facts=facts)


def ceilings(bench: Bench) -> None:
    """Bytes and operations a second that a copy and a matrix product reach."""
    found = measure_ceilings(
        bench.device,
        bench.dtype,
        copy_bytes=bench.sizes.copy_bytes,
        matmul_size=bench.sizes.matmul,
    )
    bench.report.tell("ceilings", ceilings=[found.bytes_per_second, found.flops_per_second])


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
