"""Threads that share work, of which the first failure ends all."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

LOOK_SECONDS = 0.5
"""How often a Ctrl-C is looked for."""


class Workers:
    """One pass of threads. A worker stops taking work when there is a `failure`."""

    def __init__(self) -> None:
        self.failure: BaseException | None = None

    def run(self, works: Sequence[Callable[[], None]]) -> None:
        """Each of `works` in a thread of its own; raises what the first failing one raised."""
        threads = [threading.Thread(target=self._do, args=(work,), daemon=True) for work in works]
        for thread in threads:
            thread.start()
        try:
            for thread in threads:
                while thread.is_alive():
                    thread.join(LOOK_SECONDS)
        except BaseException as error:
            self.failure = error
            raise
        if self.failure is not None:
            raise self.failure

    def _do(self, work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - raised again in the caller's thread
            self.failure = self.failure or error
