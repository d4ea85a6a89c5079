"""How long a sandbox may live without a word from us; see scripts/keeper.sh."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from envs.sandbox.sandbox import SandboxLimits


class Lease:
    """Renews the lease of one sandbox around its commands."""

    def __init__(self, renew: Callable[[float], None], limits: SandboxLimits) -> None:
        """`renew` is told the seconds; it must not raise when nobody listens any more."""
        self._renew = renew
        self._limits = limits

    @contextmanager
    def command(self, timeout: float) -> Iterator[None]:
        """While a command runs: until its time limit and a while longer; then the idle time."""
        self._renew(timeout + self._limits.watchdog_seconds)
        try:
            yield
        finally:
            self._renew(self._limits.idle_seconds)
