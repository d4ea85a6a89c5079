"""Settings of evidence about several samples, and of the choice of one."""

from __future__ import annotations

from pydantic import Field

from cwm_agent.config.section import Seconds, Section


class ScalingSettings(Section):
    """Evidence about several samples of an issue, and the choice of one (docs/evidence.md)."""

    select: str = Field(default="posterior", min_length=1)
    """The recipe that chooses (docs/scaling.md)."""
    until: float = Field(default=1.0, gt=0, le=1)
    """An issue that is decided with this probability gets no more samples; 1: all are drawn."""
    branch: bool = False
    """With `until`: a further sample goes on from the turn in which the likeliest ones part."""
    tests: int = Field(default=8, ge=0)
    """Tests that the model writes for each issue."""
    repeats: int = Field(default=2, ge=1, le=20)
    """Runs of each test on each candidate; those that differ show a flaky one."""
    calls: int = Field(default=48, ge=0)
    """Calls of each touched function that are compared between candidates."""
    traces: int = Field(default=0, ge=0)
    """Calls of the issue whose result the model predicts on each candidate, without executing."""
    existing: str = ""
    """Command of the repository's own tests, with pytest's -rA summary; empty: found by itself."""
    test_seconds: Seconds = 60.0
    """Seconds for one run of one test."""
    existing_seconds: Seconds = 900.0
    """Seconds for one run of the repository's tests."""
