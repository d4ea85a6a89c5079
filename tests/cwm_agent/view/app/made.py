"""A run with attempts that were resolved, not resolved, and full of hostile text."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from results.records import (
    AttemptResult,
    AttemptStarted,
    Ended,
    Event,
    Message,
    Observed,
    Odds,
    Replied,
    Reply,
    RunInfo,
    SettingRecord,
    Snapshot,
    Submitted,
    ToolRan,
    Verdict,
)
from results.store import Run, Store

PATCH = "diff --git a/x.py b/x.py\n--- a/x.py\n+++ b/x.py\n@@ -1 +1 @@\n-old\n+new\n"
LONG = "\n".join(f"line {number}" for number in range(1000))
EDIT = "<tool: edit>\nx.py\n<<<<<<< SEARCH\nold\n=======\nnew\n>>>>>>> REPLACE\n</tool>"

ODDS = Odds(
    (-0.01, -0.5, -2.5), ((1, 9), (2, 9), (3, 4)), ((-0.01, -5.0), (-0.5, -1.0), (-0.7, -2.5))
)


def events(instance: str, sample: int, *, output: str = LONG, exit_code: int = 1) -> list[Event]:
    """A short attempt: a look, an edit, a submission."""
    return [
        AttemptStarted(instance, sample, "replay", "bubblewrap", "default", "improved", 1, "boot"),
        Observed((Message("system", "You repair code."), Message("user", "Names may be empty."))),
        Replied(
            1,
            Reply(
                "<think>\nLook first.\n</think>\n\n<tool: bash>\ncat x.py\n</tool>",
                ids=(1, 2, 3 + sample), prompt_tokens=100, cached_tokens=90, context_tokens=1234,
                seconds=2.5, odds=ODDS,
            ),
        ),
        ToolRan(1, "bash", ok=True, seconds=0.25, ending="exited", exit_code=exit_code),
        Observed((Message("tool: bash", output),)),
        Replied(2, Reply(f"I change {sample}.\n{EDIT}", prompt_tokens=1300, context_tokens=1400)),
        ToolRan(2, "edit", ok=True, seconds=0.1),
        Snapshot(2, "0123456789abcdef", PATCH, "/testbed"),
        Observed((Message("tool: edit", "Done."),)),
        Replied(3, Reply("<tool: submit>\n</tool>", prompt_tokens=1500, context_tokens=1510)),
        Submitted(3, PATCH),
        Ended("submitted"),
    ]  # fmt: skip


def add_attempt(
    run: Run,
    instance: str,
    sample: int,
    *,
    resolved: bool | None = False,
    patch: str = PATCH,
    **options: object,
) -> None:
    """One finished attempt of a run."""
    attempt = run.attempt(instance, sample)
    with attempt.journal() as journal:
        for event in events(instance, sample, **options):  # type: ignore[arg-type]
            journal.append(event)
    result = AttemptResult(
        instance, sample, "submitted", patch, 3, 12.5, 100, 30, "replay", "bubblewrap",
        "improved", "default", resolved=resolved,
    )  # fmt: skip
    if resolved is not None:
        verdict = Verdict(resolved, {"test_a": True, "test_b": resolved}, {"test_c": True})
        result = replace(result, verdict=verdict)
    attempt.finish(result)


def three_attempts(folder: Path) -> Run:
    """Three attempts at two instances."""
    settings = {"limits.context_tokens": SettingRecord(2048, "default")}
    info = RunInfo("2026-11-22T10:00:00Z", ("cwm-agent", "run", "x"), settings)
    made = Store(folder).create(info, "first")
    add_attempt(made, "django-1", 0, resolved=True, exit_code=0)
    add_attempt(made, "flask-4010", 0, resolved=False)
    add_attempt(made, "flask-4010", 1, resolved=True)
    return made
