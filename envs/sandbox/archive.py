"""A local folder as a tar archive."""

from __future__ import annotations

import tarfile
from pathlib import Path
from typing import IO

from envs.errors import SandboxError


def archive(source: Path, target: IO[bytes], *, user: int, group: int) -> None:
    """Write the contents of `source` with modes, links and empty folders, owned by the numeric ids.

    Raises SandboxError when `source` is no readable folder.
    """

    def owned(member: tarfile.TarInfo) -> tarfile.TarInfo:
        member.uid, member.gid, member.uname, member.gname = user, group, "", ""
        return member

    if not source.is_dir():
        raise SandboxError(f"{source} is not a folder; name the folder to copy")
    try:
        with tarfile.open(fileobj=target, mode="w") as tar:
            for entry in sorted(source.iterdir()):
                tar.add(entry, arcname=entry.name, filter=owned)
    except OSError as error:
        raise SandboxError(f"{source} cannot be copied: {error}") from error
