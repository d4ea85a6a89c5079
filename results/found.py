"""What an attempt found: what its sandbox really enforces, and what its model's server can do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


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


ToolCalls = Literal["text", "native"]


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a model behind a chat API was found to do, and `evidence` in words.

    `tool_calls`: by the text grammar, or by functions of the API.
    `left_out` are parameters of a request that the server does not take;
    `context_tokens` is the longest conversation, where it says so. `thinking`: its
    replies hold a thinking part first, as those of the embedded engine do.
    """

    tool_calls: ToolCalls
    left_out: tuple[str, ...] = ()
    context_tokens: int | None = None
    evidence: str = ""
    thinking: bool = False
