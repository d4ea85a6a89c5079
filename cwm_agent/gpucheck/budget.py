"""The time that a run may take, and how parts that no longer fit are left out."""

from __future__ import annotations

import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field

from cwm_agent.gpucheck.report import Report


@dataclass(slots=True)
class Budget:
    """`seconds` for everything, from now on."""

    seconds: float
    started: float = field(default_factory=time.monotonic)

    @property
    def left(self) -> float:
        """Seconds until the end; negative after it."""
        return self.seconds - (time.monotonic() - self.started)


def run_part(
    report: Report,
    budget: Budget,
    names: tuple[str, ...],
    seconds: float,
    call: Callable[[], None],
) -> None:
    """Carry out the part that gives the figures `names`, if `seconds` for it are left.

    A part that breaks is written down as failed; the others go on.
    """
    what = ", ".join(names)
    if budget.left < seconds:
        reason = f"skipped: {budget.left:.0f} s were left, about {seconds:.0f} are needed"
        for name in names:
            report.miss(name, reason)
        print(f"[{what}] {reason}", file=sys.stderr, flush=True)
        return
    begun = time.monotonic()
    print(f"[{what}] ...", file=sys.stderr, flush=True)
    try:
        call()
    except Exception as error:  # noqa: BLE001 (one part must not cost the others)
        traceback.print_exc()
        text = " ".join(str(error).split())[:300]
        for name in names:
            if name not in report.figures:
                report.miss(name, f"failed: {type(error).__name__}: {text}")
    print(f"[{what}] {time.monotonic() - begun:.1f} s", file=sys.stderr, flush=True)
