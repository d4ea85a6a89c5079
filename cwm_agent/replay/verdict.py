"""Whether a turn gave the same again, and what a whole replay found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from cwm_agent.replay.compare import compare
from cwm_agent.replay.patterns import Rule
from cwm_agent.replay.walk import ReplayedTurn
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

    def judge(self, turn: ReplayedTurn, rules: Sequence[Rule]) -> bool:
        """Take one more turn; False when it differs."""
        self.compared += bool(turn.reply)
        self.difference = self._texts(turn, rules) or _facts(turn) or _end(turn)
        if self.tree_differs is None and turn.recorded.tree != turn.now.tree:
            self.tree_differs = turn.number
        return self.difference is None

    def _texts(self, turn: ReplayedTurn, rules: Sequence[Rule]) -> Difference | None:
        pairs: tuple[tuple[What, str, str], ...] = (
            ("text", turn.recorded.text, turn.now.text),
            ("patch", turn.recorded.patch or "", turn.now.patch or ""),
        )
        for what, recorded, now in pairs:
            comparison = compare(recorded, now, turn.call, rules)
            self.rules.update(comparison.used)
            if comparison.lines is not None:
                return Difference(turn.number, what, *comparison.lines)
        return None


def _facts(turn: ReplayedTurn) -> Difference | None:
    before, after = turn.recorded.ran, turn.now.ran
    facts: list[tuple[What, object, object]] = [
        ("tool", before and before.tool, after and after.tool),
        ("ending", before and before.ending, after and after.ending),
        ("exit code", before and before.exit_code, after and after.exit_code),
    ]
    for what, recorded, now in facts:
        if recorded != now:
            return Difference(turn.number, what, _shown(recorded), _shown(now))
    return None


def _end(turn: ReplayedTurn) -> Difference | None:
    recorded, now = turn.recorded.exit, turn.now.exit
    if recorded == now or (recorded is not None and recorded not in REPEATABLE):
        return None
    return Difference(turn.number, "end", recorded, now)


def _shown(value: object) -> str | None:
    return None if value is None else str(value)
