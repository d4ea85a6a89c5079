"""The end of a process that nobody can reach any more.

When a node's `raylet` is killed, the processes that it started may live on for
minutes: out of the cluster's reach, with their journals locked and their GPUs
taken. So each of them watches its parent, and a worker also that somebody asks
after its attempt. Sandboxes end with the process that made them.
"""

from __future__ import annotations

import os
import threading
import time

LEASE_SECONDS = 45.0
"""A worker at work that nobody asked for so long belongs to nobody. The executor asks twice a
second, and it gives a worker up long before it may be asked again."""
LOOK_SECONDS = 1.0


class Lifeline:
    """Ends this process, at once and whatever it does, when its parent is gone or a lease is over.

    `os._exit` skips everything: what is left is for others to clean up, as after a power cut.
    """

    def __init__(self, lease: float = LEASE_SECONDS, look: float = LOOK_SECONDS) -> None:
        self._parent = os.getppid()
        self._lease = lease
        self._look = look
        self._lock = threading.Lock()
        self._renewed: float | None = None
        threading.Thread(target=self._watch, name="lifeline", daemon=True).start()

    def hold(self) -> None:
        """From now on somebody has to ask again and again."""
        with self._lock:
            self._renewed = time.monotonic()

    def renew(self) -> None:
        """Somebody asked; without a lease it means nothing."""
        with self._lock:
            if self._renewed is not None:
                self._renewed = time.monotonic()

    def release(self) -> None:
        """Nobody needs to ask any more."""
        with self._lock:
            self._renewed = None

    def _watch(self) -> None:
        while True:
            time.sleep(self._look)
            renewed = self._renewed
            late = renewed is not None and time.monotonic() - renewed > self._lease
            if late or os.getppid() != self._parent:
                os._exit(1)
