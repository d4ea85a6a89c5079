"""Prints attempts as plain text, event by event, safe for a pipe and for a terminal."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.text import Text

from cwm_agent.view.sanitize import clean, clean_line
from cwm_agent.wording import counted
from results.journal import Entry
from results.records import (
    AttemptResult,
    AttemptStarted,
    Branched,
    Ended,
    Observed,
    Replied,
    Snapshot,
    Submitted,
    ToolRan,
    Verdict,
)
from results.scores import Score

FOLD_LINES = 24
"""Longer texts show their first and last lines only."""
FOLD_WIDTH = 400
"""Longer lines are cut."""
THINK_END = "</think>"


@dataclass(frozen=True, slots=True)
class Detail:
    """How much to show: `full` unfolds observations, `think` shows the thinking."""

    full: bool = False
    think: bool = False


class PlainView:
    """Prints the events of one attempt as they come, then its outcome."""

    def __init__(self, console: Console, detail: Detail) -> None:
        self.console = console
        self.detail = detail
        self._patch = ""

    def events(self, entries: Iterable[Entry]) -> None:
        """Print each event; may be called again with later ones."""
        for entry in entries:
            self._event(entry)

    def outcome(
        self,
        result: AttemptResult | None,
        score: Score | None = None,
        test_output: Path | None = None,
    ) -> None:
        """Print the patch and the verdict; without a result, what the journal holds so far.

        `score` is what the official grader said, which counts more than tests of the run's own;
        `test_output` is the file of what those printed.
        """
        patch = result.patch if result else self._patch
        self.console.print()
        if patch:
            self.console.print(Text("patch", "bold"))
            self.console.print(diff_text(patch))
        else:
            self.console.print(Text("no patch", "yellow"))
        if result is not None:
            self._result(result, score)
            if test_output is not None:
                self._block("tests", test_output.read_text("utf-8", "replace"))
                self._note(f"the tests' output: {test_output}")

    def _event(self, entry: Entry) -> None:
        match entry.event:
            case AttemptStarted() as started:
                self._started(entry, started)
            case Observed() as observed:
                for message in observed.messages:
                    self._block(message.role, message.text)
            case Replied() as replied:
                self._replied(replied)
            case ToolRan() as ran:
                self.console.print(tool_text(ran))
            case Snapshot() as snapshot:
                self._patch = snapshot.handed_in
                files = f"\n{snapshot.diff}".count("\ndiff --git ")
                differs = f"working tree differs in {counted(files, 'file')}"
                self._note(f"{differs}, tree {snapshot.tree[:12]}")
            case Submitted() as submitted:
                self._patch = submitted.patch
                lines = counted(submitted.patch.rstrip().count("\n") + 1, "line")
                of = f" a patch of {lines}" if submitted.patch else ""
                self._note(f"submitted{of}")
            case Branched() as branched:
                self._note(f"taken over from sample {branched.sample} after turn {branched.turn}")
            case Ended() as ended:
                detail = f": {ended.detail}" if ended.detail else ""
                self.console.print(Text(f"ended: {ended.reason}{clean(detail)}", "bold"))

    def _started(self, entry: Entry, started: AttemptStarted) -> None:
        self.console.print(
            Text(f"━━ {clean_line(started.instance)} #{started.sample} ", "bold").append(
                clean_line(
                    f"{started.policy} · {started.sandbox} · {started.mode} · "
                    f"prompts {started.prompt_pack} · {entry.time}"
                ),
                "dim",
            )
        )

    def _replied(self, replied: Replied) -> None:
        reply = replied.reply
        facts = [f"{reply.seconds:.1f} s"]
        if reply.ids or reply.context_tokens:
            # A policy without token ids still counts the context before and after its reply.
            tokens = len(reply.ids) or reply.context_tokens - reply.prompt_tokens
            facts = [
                counted(tokens, "token"),
                f"context {reply.context_tokens:,} ({reply.cached_tokens:,} cached)",
                *facts,
            ]
        if reply.finish != "stop":
            facts.append(f"finish {reply.finish}")
        self.console.print()
        heading = Text(f"── turn {replied.turn} ", "bold cyan")
        self.console.print(heading.append(" · ".join(facts), "dim"))
        thinking, answer = split_thinking(reply.text)
        if thinking:
            self._thinking(thinking)
        if answer:
            self.console.print(Text(self._folded(answer)))

    def _thinking(self, thinking: str) -> None:
        lines = clean(thinking).splitlines()
        if self.detail.think:
            self.console.print(Text("\n".join(f"  {line}" for line in lines), "italic dim"))
        else:
            self._note(f"thinking, {counted(len(lines), 'line')} folded (--think)")

    def _block(self, role: str, text: str) -> None:
        self.console.print(Text(f"[{clean_line(role)}]", "bold magenta"))
        body = "\n".join(f"│ {line}" for line in self._folded(text).split("\n"))
        self.console.print(Text(body))

    def _folded(self, text: str) -> str:
        return clean(text).strip("\n") if self.detail.full else fold(clean(text).strip("\n"))

    def _note(self, text: str) -> None:
        self.console.print(Text(f"  {clean_line(text)}", "dim"))

    def _result(self, result: AttemptResult, score: Score | None) -> None:
        self.console.print()
        verdict = score.verdict if score else result.verdict
        resolved = result.resolved
        unknown = "undecided" if result.verdict else "not scored"
        if score is not None:
            failed = score.outcome == "infrastructure"
            resolved, unknown = None if failed else score.outcome == "resolved", score.outcome
        style = {True: "bold green", False: "bold red", None: "bold yellow"}[resolved]
        line = Text({True: "resolved", False: "unresolved", None: unknown}[resolved], style)
        line.append(
            f"  {result.exit_reason} · {counted(result.turns, 'turn')} · {result.seconds:.1f} s · "
            f"{counted(result.completion_tokens, 'token')}",
            "dim",
        )
        self.console.print(line)
        if score is not None:
            signs = f" ({score.failure})" if score.failure else ""
            self._note(f"score: {score.outcome}{signs}, {score.seconds:.1f} s of grading")
        if verdict is not None:
            self._verdict(verdict)
        if result.detail:
            self._note(result.detail)

    def _verdict(self, verdict: Verdict) -> None:
        tables = {"fail to pass": verdict.fail_to_pass, "pass to pass": verdict.pass_to_pass}
        for name, tests in tables.items():
            if tests:
                passed = sum(tests.values())
                self.console.print(Text(f"  {name}: {passed} of {len(tests)}"))
                for test in (test for test, ok in tests.items() if not ok):
                    self.console.print(Text(f"    failed {clean_line(test)}", "red"))
        if verdict.detail:
            self._note(verdict.detail)


def split_thinking(text: str) -> tuple[str, str]:
    """A reply as its thinking and the rest, both stripped; the thinking ends at `</think>`."""
    thinking, end, answer = text.partition(THINK_END)
    if not end:
        return "", text.strip()
    return thinking.removeprefix("<think>").strip(), answer.strip()


def tool_text(ran: ToolRan) -> Text:
    """One line on a tool call: name, how it ended, seconds, what was dropped."""
    line = Text("▸ ", "bold")
    line.append(clean_line(ran.tool) or "no valid call", "bold")
    if ran.exit_code is not None:
        line.append(f"  exit {ran.exit_code}", "green" if ran.exit_code == 0 else "red")
    if ran.ending not in (None, "exited"):
        line.append(f"  {clean_line(ran.ending or '')}", "red")
    if not ran.ok:
        line.append("  failed", "red")
    line.append(f"  {ran.seconds:.2f} s", "dim")
    if ran.dropped_bytes:
        line.append(f"  {ran.dropped_bytes:,} bytes dropped", "yellow")
    if ran.error:
        line.append(f"  {clean_line(ran.error)}", "red")
    return line


def fold(text: str) -> str:
    """The first and last lines of a long text, each line cut to a readable length."""
    lines = text.split("\n")
    if len(lines) > FOLD_LINES:
        half = FOLD_LINES // 2
        note = f"… {counted(len(lines) - 2 * half, 'line')} folded (--full)"
        lines = [*lines[:half], note, *lines[-half:]]
    return "\n".join(
        line
        if len(line) <= FOLD_WIDTH
        else f"{line[:FOLD_WIDTH]} … {len(line) - FOLD_WIDTH:,} characters folded (--full)"
        for line in lines
    )


def diff_text(patch: str) -> Text:
    """A unified diff with coloured lines."""
    text = Text()
    for line in clean(patch).rstrip("\n").split("\n"):
        if line.startswith(("diff --git ", "--- ", "+++ ")):
            style = "bold"
        elif line.startswith("@@"):
            style = "cyan"
        else:
            style = {"+": "green", "-": "red"}.get(line[:1], "")
        text.append(line + "\n", style)
    text.rstrip()
    return text
