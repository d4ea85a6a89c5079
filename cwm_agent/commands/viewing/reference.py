"""The reference patch of an attempt's instance, for a viewer: read when it is asked for."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from cwm_agent.view.sources.row import Row
from results.errors import ResultsError
from results.store import Run

if TYPE_CHECKING:
    from envs.swebench.rows import Instance


class References:
    """Reads data sets once. Several threads may ask."""

    def __init__(self, folders: Mapping[str, Path]) -> None:
        """`folders` has the folders of runs by their names."""
        self._folders = folders
        self._suites: dict[str, Mapping[str, Instance]] = {}
        self._lock = Lock()

    def __call__(self, row: Row) -> str:
        """The patch, "" where none is known; raises the errors of a data set that cannot be read.

        From the data set that the run names, or from the generator of a generated task.
        """
        # late: most who view a run ask for none
        from cwm_agent.batch.manifest import dataset_of
        from cwm_agent.tasks.datasets import load_suite

        folder = self._folders.get(row.run)
        if folder is None:
            return ""
        dataset = dataset_of(Run(folder))
        if not dataset:
            return _generated(row)
        with self._lock:
            if dataset not in self._suites:
                self._suites[dataset] = load_suite(dataset).by_id()
        instance = self._suites[dataset].get(row.instance)
        return instance.gold if instance else ""


def _generated(row: Row) -> str:
    """What the generator changed back, if it still draws the same task under that name."""
    if not row.instance.startswith("nano-"):
        return ""
    from cwm_agent.tasks.job import read_job

    try:
        issue = read_job(row.path).issue
    except ResultsError:
        return ""
    command = [sys.executable, "-m", "cwm_agent.generated.reference", row.instance]
    done = subprocess.run(command, input=issue, capture_output=True, text=True, check=False)
    return done.stdout if done.returncode == 0 else ""
