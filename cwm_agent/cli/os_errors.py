"""What the operating system refused, as one line with a remedy."""

from __future__ import annotations

import errno
import os
from pathlib import Path

_ELSEWHERE = "choose another runs folder with --runs, cache with XDG_CACHE_HOME, or TMPDIR"
_REMEDIES = {
    errno.ENOSPC: f"free some space, or {_ELSEWHERE}",
    errno.EDQUOT: f"free some of your quota, or {_ELSEWHERE}",
    errno.EROFS: f"it cannot be written there; {_ELSEWHERE}",
    errno.EACCES: "check its owner and permissions",
    errno.EPERM: "check its owner and permissions",
    errno.EMFILE: "raise the limit of open files (ulimit -n 4096), or use fewer --workers",
    errno.ENFILE: "too many files are open on this machine; end other programs",
    errno.ENOMEM: "free some memory, or use fewer --workers",
    errno.EAGAIN: "raise the limit of processes (ulimit -u), or use fewer --workers",
}
"""By error number."""


def explain(error: OSError) -> str:
    """The error in one line: the file, what is wrong with it, what to do."""
    reason = error.strerror or str(error) or type(error).__name__
    named = error.filename if isinstance(error.filename, str | bytes) else ""
    file = os.fsdecode(named)
    where = f"{file}: " if file else ""
    remedies = [_place(Path(file)) if file else "", _REMEDIES.get(error.errno or 0, "")]
    if "temporary directory" in reason:  # Python's tempfile found none
        remedies = ["set TMPDIR to a folder that can be written"]
    return f"{where}{'; '.join([reason, *filter(None, remedies)])}"


def _place(path: Path) -> str:
    """How to move the folder of ours that `path` lies in; "" for a file of the user's."""
    from platformdirs import user_cache_path

    cache = user_cache_path("cwm-agent")
    if path.is_relative_to(cache) or cache.is_relative_to(path):
        return "the cache can be moved with XDG_CACHE_HOME"
    ours = any(part.startswith("cwm-agent-") for part in path.parts)
    return "temporary files can be moved with TMPDIR" if ours else ""
