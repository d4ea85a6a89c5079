"""One attempt as `solve` shows it: the viewer's lines as they come, on standard error."""

from __future__ import annotations

import contextlib
import os
import time
from typing import TextIO

from rich.console import Group
from rich.live import Live
from rich.text import Text

from cwm_agent.view.app import palette
from cwm_agent.view.app.glyphs import glyphs_here
from cwm_agent.view.app.strip import silence
from cwm_agent.view.app.tabs.steps import step_line
from cwm_agent.view.app.timeline import timeline
from cwm_agent.view.console import console
from cwm_agent.view.plain import diff_text
from cwm_agent.view.sanitize import clean, clean_line
from cwm_agent.view.trajectory.actions import called
from cwm_agent.view.trajectory.steps import Steps
from cwm_agent.view.trajectory.trajectory import Step, Trajectory
from cwm_agent.wording import counted
from results.records import (
    AttemptResult,
    AttemptStarted,
    Ended,
    Event,
    Observed,
    Replied,
    Submitted,
    Verdict,
)

WIDTH = 100
"""Columns of a step where nobody looks at a terminal."""
WIDEST = 140
_INDENT = " " * 5

_VERDICTS = {
    True: ("resolved", "bold green"),
    False: ("not resolved", "bold red"),
    None: ("undecided", "yellow"),
}


class ProgressDisplay:
    """Writes to `stream`: coloured, with a line of what goes on, on a terminal; plain elsewhere.

    `context_limit` is how many tokens the conversation may have, 0 where nobody said.
    """

    def __init__(self, stream: TextIO) -> None:
        self.context_limit = 0
        self._console = console(stream)
        self._glyphs = glyphs_here()
        self._live: Live | None = None
        self._spins = False
        self._steps = Steps()
        self._shown = 0
        self._doing, self._since = "", time.monotonic()

    def say(self, text: str, style: str = "") -> None:
        """One line about the attempt as a whole."""
        self._console.print(Text(clean_line(text), style))

    def show(self, text: str) -> None:
        """Text for a person who plays the model."""
        self._console.print(Text(clean(text).removesuffix("\n")))

    def watch(self, event: Event) -> None:
        """Follow the attempt; pass this to `rollout`. A step is shown when its result came."""
        if isinstance(event, (Replied, Ended)):
            self._show_steps()  # one that nothing answered
        self._steps.take(event)
        match event:
            case AttemptStarted():
                # A person types where a status line would be redrawn.
                self._spins = self._console.is_terminal and event.policy != "human"
                self._wait("making the sandbox ready")
            case Observed():
                self._show_steps()
                self._wait("waiting for the next reply")
            case Replied():
                self._wait(called(event.reply.text) or "the answer")
            case Submitted():
                self._show_steps()
                lines = counted(event.patch.count("\n"), "line")
                of = f" a patch of {lines}" if event.patch else ""
                self.say(f"{_INDENT}submitted{of}", "bold")
            case Ended():
                self._wait(None)
            case _:
                pass

    def patch(self, patch: str) -> None:
        """A diff, coloured on a terminal."""
        if patch:
            self._console.print(diff_text(patch))

    def end(self, result: AttemptResult) -> None:
        """How the attempt ended, what it cost, and what the tests said."""
        tokens = counted(result.completion_tokens, "token")
        spent = f"{counted(result.turns, 'turn')}, {result.seconds:.1f} s, {tokens}"
        detail = f" ({result.detail})" if result.detail else ""
        self.say(f"{result.exit_reason.replace('_', ' ')}{detail}: {spent}")
        if result.verdict is None:
            self.say("not judged: no tests were given", "yellow")
        else:
            self._verdict(result.resolved, result.verdict)

    def _verdict(self, resolved: bool | None, verdict: Verdict) -> None:
        fixed, kept = verdict.fail_to_pass.values(), verdict.pass_to_pass.values()
        counts = (
            f"{sum(fixed)} of {len(fixed)} failing tests pass now, "
            f"{sum(kept)} of {len(kept)} others still pass"
        )
        word, style = _VERDICTS[resolved]
        self.say(f"{word}: {counts}", style)
        if verdict.detail:
            self.say(f"  {verdict.detail}")

    def interrupted(self, level: int) -> None:
        """Say what a Ctrl-C does; for `Interrupt`."""
        text = (
            "finishing this turn; press Ctrl-C again to stop now" if level == 1 else "stopping now"
        )
        try:
            self.say(text, "yellow")
        except RuntimeError:  # the signal came in the middle of a write to the same stream
            with contextlib.suppress(OSError, ValueError):
                os.write(self._console.file.fileno(), f"{text}\n".encode())

    def close(self) -> None:
        """Take the status line away."""
        self._wait(None)

    def _show_steps(self) -> None:
        """The steps that were not shown yet, and under each why it was made."""
        width = min(WIDEST, self._console.width) if self._console.is_terminal else WIDTH
        for step in self._steps.known[self._shown :]:
            line = step_line(step, self._glyphs, width)
            line.rstrip()
            self._console.print(line)
            if why := _why(step):
                said = Text(f"{_INDENT}{why}", "dim")
                said.truncate(width, overflow="ellipsis")
                self._console.print(said)
        self._shown = len(self._steps.known)

    def _wait(self, what: str | None) -> None:
        """Show what is being waited for; None takes the line away."""
        self._doing, self._since = what or "", time.monotonic()
        if what is None:
            if self._live is not None:
                self._live.stop()
            self._live = None
        elif self._live is None and self._spins:
            self._live = Live(
                get_renderable=self._now, console=self._console, refresh_per_second=4,
                transient=True,
            )  # fmt: skip
            self._live.start()

    def _now(self) -> Group:
        """The attempt's time line and context, and what it waits for how long."""
        width = min(WIDEST, self._console.width)
        known = Trajectory("", steps=tuple(self._steps.known), context_limit=self.context_limit)
        line = Text(f" {self._glyphs.mark('live')} ", palette.INFO)
        silent = silence(time.monotonic() - self._since)
        doing = Text(clean_line(self._doing))
        doing.truncate(max(8, width - line.cell_len - silent.cell_len), overflow="ellipsis")
        line.append_text(doing).append_text(silent)
        return Group(timeline(known, self._glyphs, width), line)


def _why(step: Step) -> str:
    """First line of what was said to the user beside the call, or of what failed in it."""
    if step.action.kind != "none":
        return clean_line(step.error or step.prose.strip().partition("\n")[0])
    return clean_line(step.error)
