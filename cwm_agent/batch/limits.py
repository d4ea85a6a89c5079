"""What a whole run may use."""

from __future__ import annotations

from cwm_agent.batch.board import Status
from cwm_agent.settings import BatchSettings


class Allowance:
    """Says when turns, tokens or time of a run are used up; earlier processes' turns count."""

    def __init__(self, settings: BatchSettings) -> None:
        self._settings = settings
        self.reached = ""

    def spent(self, status: Status) -> str:
        """What is used up, "" as long as nothing is."""
        allowed = self._settings
        for name, limit, used in (
            ("turns", allowed.turns, status.turns),
            ("tokens", allowed.tokens, status.tokens),
            ("seconds", allowed.seconds, status.seconds),
        ):
            if limit is not None and used >= limit:
                self.reached = f"{limit:g} {name}"
        return self.reached
