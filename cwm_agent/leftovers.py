"""What killed processes left, removed when a command starts that makes sandboxes."""

from __future__ import annotations

import shutil
from collections.abc import Callable

from cwm_agent.job import COPY
from envs.sweep import sweep
from results.store import Attempt, Store


def clean_up(store: Store, say: Callable[[str], None]) -> None:
    """Remove sandboxes without an owner, and working copies in run folders."""
    for stray in sweep():
        say(f"removed a stray {stray.kind}: {stray.name}")
    for copy in store.root.glob(f"*/*/*/{COPY}"):
        if not Attempt(copy.parent, 0).live:
            shutil.rmtree(copy, ignore_errors=True)
