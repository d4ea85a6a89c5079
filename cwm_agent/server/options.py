"""How a server listens and what it allows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from cwm_agent.server.chat.headers import RULES

EFFORTS: Mapping[str, int] = {"minimal": 256, "low": 1024, "medium": 8192, "high": 32768}
"""Most tokens of thinking for a `reasoning_effort`; "xhigh" and "max" set no bound."""


@dataclass(frozen=True, slots=True)
class ServeOptions:
    """All of `cwm-agent serve`. Sizes are in bytes, times in seconds.

    `name` is what clients call the model. `keys` are the accepted API keys (none:
    anybody may ask). `hosts` are names that the Host header may have besides
    loopback's, `origins` those of web pages that may ask. `requests` may be in
    work or wait in all, `requests_per_key` for one key. `keep` conversations
    rest with their keys and values; `memory` bytes of ids are remembered, and as many of
    stored responses.
    `normalize` names rules of `cwm_agent.server.chat.headers`.
    """

    folder: Path
    name: str
    host: str = "127.0.0.1"
    port: int = 8000
    keys: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()
    requests: int = 512
    requests_per_key: int = 256
    body: int = 32 * 2**20
    receive_seconds: float = 30.0
    keep_alive_seconds: float = 15.0
    drain_seconds: float = 300.0
    keep: int = 1024
    keep_seconds: float = 3600.0
    memory: int = 256 * 2**20
    stored_responses: int = 4096
    normalize: tuple[str, ...] = field(default=tuple(RULES))
