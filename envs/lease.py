"""How long a sandbox may live without a word from us; see scripts/keeper.sh."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import resources

from envs.sandbox import SandboxLimits


def keeper(limits: SandboxLimits) -> list[str]:
    """The command line of a sandbox's first process."""
    script = resources.files("envs").joinpath("scripts", "keeper.sh").read_text()
    seconds = [str(math.ceil(x)) for x in (limits.idle_seconds, limits.lifetime_seconds)]
    return ["bash", "--noprofile", "--norc", "-c", script, "keeper", *seconds]


class Lease:
    """Renews the lease of one sandbox around its commands."""

    def __init__(self, send: Callable[[bytes], None], limits: SandboxLimits) -> None:
        """`send` writes to the keeper's input; it must not raise when nobody reads any more."""
        self._send = send
        self._limits = limits

    @contextmanager
    def command(self, timeout: float) -> Iterator[None]:
        """While a command runs: until its time limit and a while longer; then the idle time."""
        self._renew(timeout + self._limits.watchdog_seconds)
        try:
            yield
        finally:
            self._renew(self._limits.idle_seconds)

    def _renew(self, seconds: float) -> None:
        self._send(b"%d\n" % math.ceil(seconds))
