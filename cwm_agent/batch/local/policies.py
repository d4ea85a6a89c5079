"""The policies of a run: one engine for all attempts, and a recording for each that has one."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from cwm_agent.config.settings import Settings
from cwm_agent.policies.choice import SHARED, PolicyChoice
from cwm_agent.policies.choose import OpenPolicy, open_policy
from model.stats import EngineStats


class Policies:
    """Opens a model once, at its first use, and keeps it until `close`.

    Without `tools` a model behind a chat API gets no functions.
    """

    def __init__(
        self, settings: Settings, say: Callable[[str], None], *, tools: bool = True
    ) -> None:
        self._settings = settings
        self._tools = tools
        self._say = say
        self._lock = threading.Lock()
        self._kept: dict[PolicyChoice, OpenPolicy] = {}

    @contextmanager
    def open(self, choice: PolicyChoice) -> Iterator[OpenPolicy]:
        """The policy for this choice; raises ModelError, PolicyError and UsageError."""
        if choice.kind in SHARED:
            yield self.shared(choice)
            return
        opened = self._open(choice)
        try:
            yield opened
        finally:
            opened.policy.close()

    def shared(self, choice: PolicyChoice) -> OpenPolicy:
        """The policy of a checkpoint or of a served model, which all attempts share."""
        with self._lock:
            if choice not in self._kept:
                self._kept[choice] = self._open(choice)
            return self._kept[choice]

    def loads(self) -> dict[str, EngineStats]:
        """What the engines do now, by name; at once, even while another one is being opened."""
        found: dict[str, EngineStats] = {}
        for opened in list(self._kept.values()):
            found |= opened.loads()
        return found

    def close(self) -> None:
        """Stop the engines."""
        with self._lock:
            for opened in self._kept.values():
                opened.policy.close()
            self._kept.clear()

    def _open(self, choice: PolicyChoice) -> OpenPolicy:
        return open_policy(choice, self._settings, show=self._say, say=self._say, tools=self._tools)
