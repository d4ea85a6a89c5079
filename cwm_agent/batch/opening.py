"""A run's folder: made or gone on with, and worked on by one process at a time."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from filelock import FileLock, Timeout

from cwm_agent.attempt.attempt import Rules
from cwm_agent.batch import manifest
from cwm_agent.errors import NotReadyError
from cwm_agent.view.progress import ProgressDisplay
from results.repair import repair
from results.store import UNFINISHED, Run, Store

LOCK = "run.lock"


@contextmanager
def opened(
    store: Store,
    name: str | None,
    rules: Rules,
    wanted: manifest.BatchRecord,
    progress: ProgressDisplay,
    *,
    accept: bool,
) -> Iterator[Run]:
    """The run of that name, new or to be gone on with, locked for this process.

    With `accept` settings and tasks may differ from those that it began with. Raises
    NotReadyError while another process works on it, UsageError for what differs.
    """
    known = name is not None and (store.root / name / "run.json").exists()
    run = store.open(name) if known and name else None
    if run is None:
        run = store.create(rules.run_info(), name)
        manifest.begin(run, wanted)
    lock = FileLock(run.folder / LOCK, timeout=0)
    try:
        held = lock.acquire()
    except Timeout as error:
        raise NotReadyError(
            f"another process is working on run {run.name}; "
            f"check with `cwm-agent ctl {run.name} status`"
        ) from error
    with held, _removed_unless_begun(run, new=not known):
        if known:
            accepted = manifest.go_on(run, wanted, rules, accept=accept)
            for difference in accepted:
                progress.say(f"accepted: {difference}", "yellow")
        yield run


@contextmanager
def _removed_unless_begun(run: Run, *, new: bool) -> Iterator[None]:
    """A new run that failed before its first attempt (a bad checkpoint) leaves no folder."""
    try:
        yield
    finally:
        if new and not any(run.attempts()):
            shutil.rmtree(run.folder, ignore_errors=True)


def repair_journals(run: Run, progress: ProgressDisplay) -> None:
    """Cut the damaged journals of attempts that are not over before their first damaged line."""
    for attempt in run.attempts():
        result = attempt.result()
        over = result is not None and result.exit_reason not in UNFINISHED
        if not over and (found := repair(attempt.events_path)):
            progress.say(f"{attempt.events_path}: {found}", "yellow")
