"""Partial clones without a server."""

from __future__ import annotations

import subprocess
from pathlib import Path

from .cases import git


def lack(git_dir: Path, blob: str) -> None:
    """Take one object away, and mark what is left as what a server with filters sent."""
    work = git_dir.parent
    packs = list((git_dir / "objects" / "pack").glob("*.pack"))
    for pack in packs:
        moved = git_dir / pack.name
        pack.rename(moved)
        for rest in (git_dir / "objects" / "pack").glob(f"{pack.stem}.*"):
            rest.unlink()
        with moved.open("rb") as content:
            subprocess.run(["git", "unpack-objects", "-q"], cwd=work, stdin=content, check=True)
        moved.unlink()
    (git_dir / "objects" / blob[:2] / blob[2:]).unlink()
    listed = subprocess.run(
        "find .git/objects -type f -path '*/??/*' | sed 's|.*objects/||; s|/||'",
        shell=True, cwd=work, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    name = subprocess.run(
        ["git", "pack-objects", "-q", ".git/objects/pack/pack"],
        cwd=work, input=listed, capture_output=True, text=True, check=True,
    ).stdout.strip()  # fmt: skip
    git(work, "prune-packed", "-q")
    (git_dir / "objects" / "pack" / f"pack-{name}.promisor").touch()
