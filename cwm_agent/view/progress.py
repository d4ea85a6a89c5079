"""Live progress of one attempt: a compact block per turn on standard error."""

from __future__ import annotations

import contextlib
import os
import re
from typing import TextIO

from rich.console import Console
from rich.markup import escape
from rich.status import Status
from rich.text import Text

from cwm_agent.view.console import console
from cwm_agent.view.sanitize import clean, clean_line
from results.records import (
    AttemptResult,
    AttemptStarted,
    Ended,
    Event,
    Observed,
    Replied,
    Reply,
    Submitted,
    ToolRan,
    Verdict,
)
from tools.parsing import answer_of

WIDTH = 72
"""Characters of a command's or thought's first line that are shown."""
_INDENT = " " * 10
_CALL = re.compile(r"<tool:[ \t]*([^\s<>]+)[ \t]*>[ \t]*\n(.*)")
_DIFF_STYLES = {"+": "green", "-": "red", "@": "cyan", "d": "bold", "i": "dim"}

_VERDICTS = {
    True: ("resolved", "bold green"),
    False: ("not resolved", "bold red"),
    None: ("undecided", "yellow"),
}


class ProgressDisplay:
    """Writes to `stream`: coloured with a status line on a terminal, plain lines elsewhere."""

    def __init__(self, stream: TextIO) -> None:
        self._console = console(stream)
        self._status: Status | None = None
        self._spins = False
        self._pending: Replied | None = None

    def say(self, text: str, style: str = "") -> None:
        """One line about the attempt as a whole."""
        self._console.print(Text(clean_line(text), style))

    def show(self, text: str) -> None:
        """Text for a person who plays the model."""
        self._console.print(Text(clean(text).removesuffix("\n")))

    def watch(self, event: Event) -> None:
        """Follow the attempt; pass this to `rollout`."""
        match event:
            case AttemptStarted():
                # A person types where a status line would be redrawn.
                self._spins = self._console.is_terminal and event.policy != "human"
                self._wait("making the sandbox ready")
            case Observed():
                self._wait("waiting for the next reply")
            case Replied():
                self._pending = event
                self._wait(f"turn {event.turn}: {' '.join(call_of(event.reply)) or 'the answer'}")
            case ToolRan():
                self._block(event)
            case Submitted():
                of = f" a patch of {event.patch.count(chr(10))} lines" if event.patch else ""
                self.say(f"{_INDENT}submitted{of}", "bold")
            case Ended():
                self._answer()
                self._wait(None)
            case _:
                pass

    def patch(self, patch: str) -> None:
        """A diff, coloured on a terminal."""
        print_patch(self._console, patch)

    def end(self, result: AttemptResult) -> None:
        """How the attempt ended, what it cost, and what the tests said."""
        spent = f"{result.turns} turns, {result.seconds:.1f} s, {result.completion_tokens:,} tokens"
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

    def _block(self, ran: ToolRan) -> None:
        """One turn: what was called, how it ended, what it cost, and why it was done."""
        reply = self._pending.reply if self._pending else Reply("")
        self._pending = None
        name, first = call_of(reply) or (ran.tool, "")
        line = Text().append(f"turn {ran.turn:>3}  ", "bold")
        if ran.tool:
            line.append(clean_line(f"{name:<7}{first}"))
        else:
            line.append("no valid call", "yellow")
        went_well = ran.ok and not ran.exit_code
        line.append(clean_line(f"  {_ending(ran)}"), "green" if went_well else "red")
        line.append(f"  {ran.seconds:.1f} s  {_tokens(reply)} tokens", "dim")
        self._console.print(line)
        if why := _prose(reply):
            self.say(f"{_INDENT}{why}", "dim")

    def _answer(self) -> None:
        """The last reply, when it called no tool."""
        if self._pending is not None:
            self.say(f"turn {self._pending.turn:>3}  {_prose(self._pending.reply)}", "bold")
        self._pending = None

    def _wait(self, what: str | None) -> None:
        """Show what is being waited for; None takes the line away."""
        if what is None:
            if self._status is not None:
                self._status.stop()
            self._status = None
        elif self._status is not None:
            self._status.update(escape(clean_line(what)))
        elif self._spins:
            self._status = self._console.status(escape(clean_line(what)))
            self._status.start()


def print_patch(console: Console, patch: str) -> None:
    """A diff with coloured lines; control characters are made harmless."""
    for line in clean(patch).removesuffix("\n").split("\n") if patch else ():
        console.print(Text(line, _DIFF_STYLES.get(line[:1], "")))


def call_of(reply: Reply) -> tuple[str, str] | tuple[()]:
    """Tool and first line of the call, for the eye only: the parser is stricter."""
    found = _CALL.search(answer_of(reply.text, thinking=True))
    return (found[1], _shorten(found[2])) if found else ()


def _prose(reply: Reply) -> str:
    """First line of what was said to the user."""
    answer = answer_of(reply.text, thinking=True)
    return _shorten(_CALL.split(answer, maxsplit=1)[0].strip().partition("\n")[0])


def _shorten(line: str) -> str:
    return line if len(line) <= WIDTH else line[: WIDTH - 1] + "…"


def _ending(ran: ToolRan) -> str:
    if ran.exit_code is not None:
        return f"exit {ran.exit_code}"
    if ran.ending is not None and ran.ending != "exited":
        return ran.ending.replace("_", " ")
    return ran.error or ("ok" if ran.ok else "failed")


def _tokens(reply: Reply) -> str:
    return f"{len(reply.ids) or max(0, reply.context_tokens - reply.prompt_tokens):,}"
