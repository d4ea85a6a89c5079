"""What a sandbox really enforces, as it says itself: limits, time zone, hash seed."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Enforced:
    """Read in the place itself; None or "" where there is no limit, or none can be read.

    `memory_bytes`, `cpus` and `pids` are those of the control group, `file_bytes`
    is the largest file. `timezone` is such as `UTC+0000`; `hash_seed` is the
    variable PYTHONHASHSEED, "" where each process draws one.
    """

    memory_bytes: int | None = None
    cpus: float | None = None
    pids: int | None = None
    file_bytes: int | None = None
    network: bool | None = None
    timezone: str = ""
    hash_seed: str = ""

    def __str__(self) -> str:
        """In one line, such as `memory 4.0 GiB, 2 CPUs, 512 processes, no network, UTC+0000`."""
        memory = "any" if self.memory_bytes is None else f"{self.memory_bytes / 2**30:.1f} GiB"
        cpus = "any" if self.cpus is None else f"{self.cpus:g}"
        pids = "any" if self.pids is None else f"{self.pids}"
        network = {True: "a network", False: "no network", None: "network not known"}[self.network]
        return (
            f"memory {memory}, CPUs {cpus}, processes {pids}, {network}, "
            f"time zone {self.timezone or 'of the image'}, hash seed {self.hash_seed or 'random'}"
        )
