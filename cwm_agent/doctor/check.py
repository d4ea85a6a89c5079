"""The outcome of one check."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Status = Literal["ok", "warn", "fail"]

GIB = 2**30


@dataclass(frozen=True, slots=True)
class Check:
    """What was looked at and found. `remedy` says what to do; it is empty when all is well.

    "warn" means that something works less well, "fail" that solving an issue
    cannot work.
    """

    name: str
    status: Status
    found: str
    remedy: str = ""
