"""Whether a turn gave the same again, and what a whole replay found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from cwm_agent.replay.compare import compare
from cwm_agent.replay.patterns import Rule
from cwm_agent.replay.walk import Again
from results.records import ExitReason

REPEATABLE: frozenset[ExitReason] = frozenset(
    {"submitted", "turn_limit", "token_limit", "format_errors"}
)
"""Ends that follow from the conversation alone; the clock or a person made the others."""

What = Literal["text", "tool", "ending", "exit code", "patch", "end"]


@dataclass(frozen=True, slots=True)
class Difference:
    """The first thing of a turn that differs and may not, recorded and now.

    `what`: a line that the model saw, the tool that ran, how its command
    ended, its exit code, the submitted patch, or the end of the attempt.
    """

    turn: int
    what: What
    recorded: str | None
    now: str | None


@dataclass(slots=True)
class Findings:
    """What the comparison of all turns found so far.

    `compared` counts results, not the opening messages. `rules` counts the
    values that differed as they may. `tree_differs` is the first turn after
    which the repository's files were others, though the model saw the same.
    """

    compared: int = 0
    rules: Counter[str] = field(default_factory=Counter)
    difference: Difference | None = None
    tree_differs: int | None = None

    def judge(self, again: Again, rules: Sequence[Rule]) -> bool:
        """Take one more turn; False when it differs."""
        self.compared += bool(again.reply)
        self.difference = self._texts(again, rules) or _facts(again) or _end(again)
        if self.tree_differs is None and again.recorded.tree != again.now.tree:
            self.tree_differs = again.turn
        return self.difference is None

    def _texts(self, again: Again, rules: Sequence[Rule]) -> Difference | None:
        pairs: tuple[tuple[What, str, str], ...] = (
            ("text", again.recorded.text, again.now.text),
            ("patch", again.recorded.patch or "", again.now.patch or ""),
        )
        for what, recorded, now in pairs:
            likeness = compare(recorded, now, again.call, rules)
            self.rules.update(likeness.used)
            if likeness.lines is not None:
                return Difference(again.turn, what, *likeness.lines)
        return None


def _facts(again: Again) -> Difference | None:
    before, after = again.recorded.ran, again.now.ran
    facts: list[tuple[What, object, object]] = [
        ("tool", before and before.tool, after and after.tool),
        ("ending", before and before.ending, after and after.ending),
        ("exit code", before and before.exit_code, after and after.exit_code),
    ]
    for what, recorded, now in facts:
        if recorded != now:
            return Difference(again.turn, what, _shown(recorded), _shown(now))
    return None


def _end(again: Again) -> Difference | None:
    recorded, now = again.recorded.exit, again.now.exit
    if recorded == now or (recorded is not None and recorded not in REPEATABLE):
        return None
    return Difference(again.turn, "end", recorded, now)


def _shown(value: object) -> str | None:
    return None if value is None else str(value)
