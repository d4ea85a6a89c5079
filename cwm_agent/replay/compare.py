"""Are two texts the same, apart from what may differ?"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from cwm_agent.replay.patterns import RULES, Rule

LINE_ORDER = "line order"
SET_ORDER = "set order"
_UNORDERED = re.compile(
    r"(?:^|[|;&(\n]) *(?:find|fd|rg|ag|du|xargs|parallel)\b|\bgrep\b[^|;&\n]* -[a-zA-Z]*[rR]"
    r"|\bls\b[^|;&\n]* -[a-zA-Z]*[Uf]|\btree\b[^|;&\n]* -U"
    r"|\b(?:os\.(?:listdir|walk|scandir)|glob|rglob|iterdir|scandir|frozenset|set)\("
)
_SET = re.compile(r"\{([^{}:\n]+)\}")
_MARK = re.compile(r"(?<! ) *(⟨[a-z ]+⟩) *")
_RULER = re.compile(r"([=_*#-])\1{2,}")


@dataclass(frozen=True, slots=True)
class TextComparison:
    """How two texts compare.

    `used` counts, by rule, the values that differed and were allowed to.
    `lines` is the first pair of lines that differ beyond that, each None
    where its text has ended; None when there is no such pair.
    """

    used: Mapping[str, int] = field(default_factory=dict)
    lines: tuple[str | None, str | None] | None = None

    @property
    def same(self) -> bool:
        """Whether nothing differs that may not."""
        return self.lines is None


def compare(recorded: str, now: str, call: str, rules: Sequence[Rule] = RULES) -> TextComparison:
    """Compare two results of the action `call`."""
    if recorded == now:
        return TextComparison()
    first, second = _Masked(recorded, call, rules), _Masked(now, call, rules)
    used = {name: count for name, count in first.differences(second).items() if count}
    if first.lines == second.lines:
        return TextComparison(used)
    if _UNORDERED.search(call) and sorted(first.lines) == sorted(second.lines):
        return TextComparison(used | {LINE_ORDER: 1})
    return TextComparison(used, _first_difference(first, second))


class _Masked:
    """A text with the values that may differ taken out, line by line."""

    def __init__(self, text: str, call: str, rules: Sequence[Rule]) -> None:
        self.original = text.split("\n")
        self.values: dict[str, Counter[str]] = {}
        for rule in rules:
            if rule.calls is None or rule.calls.search(call):
                for pattern in rule.patterns:
                    text = pattern.sub(self._taker(rule.name), text)
        text = _SET.sub(self._sort_set, text)
        self.lines = [_without_padding(line) for line in text.split("\n")]

    def differences(self, other: _Masked) -> dict[str, int]:
        """How many values of each kind are here and not there."""
        return {
            name: (values - other.values.get(name, Counter())).total()
            for name, values in self.values.items()
        }

    def _taker(self, name: str) -> Callable[[re.Match[str]], str]:
        def take(match: re.Match[str]) -> str:
            spans = [match.span(n) for n in range(1, match.re.groups + 1) if match[n] is not None]
            pieces, end = [], match.start()
            for start, stop in spans or [match.span()]:
                self._note(name, match.string[start:stop])
                pieces += [match.string[end:start], f"⟨{name}⟩"]
                end = stop
            return "".join([*pieces, match.string[end : match.end()]])

        return take

    def _sort_set(self, match: re.Match[str]) -> str:
        self._note(SET_ORDER, match[0])
        return "{" + ", ".join(sorted(match[1].split(", "))) + "}"

    def _note(self, name: str, value: str) -> None:
        self.values.setdefault(name, Counter())[value] += 1


def _without_padding(line: str) -> str:
    """Blanks and rulers beside a value grow and shrink with it."""
    if "⟨" not in line:
        return line
    return _RULER.sub(r"\1\1\1", _MARK.sub(r" \1 ", line))


def _first_difference(first: _Masked, second: _Masked) -> tuple[str | None, str | None]:
    here, there = first.original, second.original
    for number in range(max(len(here), len(there))):
        if first.lines[number : number + 1] != second.lines[number : number + 1]:
            break
    return (
        here[number] if number < len(here) else None,
        there[number] if number < len(there) else None,
    )
