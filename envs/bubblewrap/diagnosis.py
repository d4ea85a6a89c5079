"""What the kernel and the process tell of a bubblewrap sandbox, seen from outside."""

from __future__ import annotations

from dataclasses import dataclass

from envs.bubblewrap.cgroup import Cgroup
from envs.sandbox.diagnosis import Control, Counters
from tools.workspace import Cause


@dataclass(frozen=True, slots=True)
class BubblewrapDiagnostics:
    """What is known from outside; see Diagnostics."""

    cgroup: Cgroup | None

    def counters(self, _control: Control) -> Counters:
        """See Diagnostics."""
        return self.cgroup.counters() if self.cgroup else Counters()

    def gone(self) -> Cause:
        """See Diagnostics."""
        return "container_gone"

    def disk_exceeded(self) -> bool:
        """See Diagnostics; the file systems have a size."""
        return False

    def on_host_disk(self) -> bool:
        """See Diagnostics."""
        return False
