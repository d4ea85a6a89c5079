"""A Debian root file system from packages alone, for machines without an image registry."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from envs.errors import SandboxError
from envs.images.host_program import run_watched
from envs.progress import Say

# Nothing in a sandbox reads these, and they are a quarter of the size.
LEFT_OUT = (
    "./var/cache/apt/archives/*.deb",
    "./var/cache/apt/*.bin",
    "./var/lib/apt/lists/*",
    "./usr/share/doc/*",
    "./usr/share/info/*",
    "./usr/share/locale/*",
    "./usr/share/man/*",
)


def can_bootstrap() -> str | None:
    """None when this process can run debootstrap, else what stands in the way."""
    if os.geteuid() != 0:
        return "debootstrap needs root"
    if shutil.which("debootstrap") is None:
        return "debootstrap is not installed (apt-get install debootstrap)"
    return None


def bootstrap(target: Path, suite: str, packages: Sequence[str], progress: Say) -> None:
    """Install `suite` with `packages` into the empty folder `target`.

    Uses the package mirror that this host's apt uses, where it has one. Raises
    SandboxError with the end of debootstrap's output.
    """
    command = [
        "debootstrap",
        "--variant=minbase",
        f"--include={','.join(packages)}",
        suite,
        str(target),
    ]
    if mirror := host_mirror(suite):
        command.append(mirror)
    run_watched(
        command,
        progress,
        what=f"debootstrap of {suite}",
        remedy="check the network and that mounts are allowed here",
    )


def host_mirror(suite: str) -> str | None:
    """The address from which this host's apt takes Debian packages, None on other systems.

    A mirror that is set up for another release of Debian has this one, too.
    """
    if shutil.which("apt-get") is None:
        return None
    listing = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(REPO_URI) $(RELEASE)", "Created-By: Packages"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    ).stdout
    pairs = [line.rpartition(" ")[::2] for line in listing.splitlines()]
    same = [address for address, release in pairs if release == suite]
    others = [address for address, _ in pairs if address.rstrip("/").endswith("/debian")]
    return next(iter(same + others), None)


@contextmanager
def as_tar(root: Path) -> Iterator[IO[bytes]]:
    """The file system as a tar stream, owners by number."""
    command = ["tar", "-C", str(root), "--numeric-owner"]
    command += [f"--exclude={pattern}" for pattern in LEFT_OUT]
    with subprocess.Popen([*command, "-c", "."], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        yield process.stdout
    if process.returncode != 0:
        raise SandboxError(
            f"tar of {root} failed with code {process.returncode}; is the disk full?"
        )
