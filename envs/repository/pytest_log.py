"""Reading what pytest says about each test in its `-rA` summary.

Format (pytest 9, `_pytest/terminal.py`): after a rule with the words "short
test summary info" come lines `WORD NODEID` or `WORD NODEID - MESSAGE`. Skipped
tests are folded to `SKIPPED [COUNT] PATH:LINE: REASON` and lose their names.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Literal

Outcome = Literal["passed", "failed", "skipped"]

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_HEADER = re.compile(r"^=+ short test summary info =+$", re.MULTILINE)
_WORDS: Mapping[str, Outcome] = {
    "PASSED": "passed",
    "XFAIL": "passed",
    "XPASS": "passed",
    "FAILED": "failed",
    "ERROR": "failed",
    "SKIPPED": "skipped",
}
_FOLDED = re.compile(r"\[(\d+)\] (.+?)(?::\d+)?: ")


@dataclass(frozen=True, slots=True)
class TestLog:
    """Outcomes by node id; `folded` counts skipped tests by file where pytest hid their names.

    `broken` says why the log cannot be trusted, "" when it can. `output` is what was printed.
    """

    outcomes: Mapping[str, Outcome]
    folded: Mapping[str, int] = field(default_factory=dict)
    broken: str = ""
    output: str = ""

    __test__ = False

    def passed(self, test: str) -> bool:
        """Whether this test ran and passed; an expected failure counts as passed."""
        return not self.broken and self.outcomes.get(test) == "passed"

    def kept(self, tests: Collection[str]) -> dict[str, bool]:
        """For tests that passed before: whether each still does, or is skipped now.

        Where names are folded away, as many missing tests of a file count as
        skipped as pytest says it skipped there.
        """
        left = Counter(self.folded)
        kept: dict[str, bool] = {}
        for test in tests:
            outcome = self.outcomes.get(test)
            path = test.partition("::")[0]
            if outcome is None and left[path] > 0:
                left[path] -= 1
                outcome = "skipped"
            kept[test] = not self.broken and outcome in ("passed", "skipped")
        return kept


def parse_pytest(output: str, exit_code: int | None, known: Collection[str] = ()) -> TestLog:
    """The last summary in `output`, checked against pytest's exit code.

    `known` test ids settle where an id ends when it holds " - " itself. A test
    that is named twice (it failed, and so did its teardown) keeps its worst
    outcome. The log is broken when pytest did not finish (codes other than 0
    and 1) or when code and summary contradict each other.
    """
    text = _COLOUR.sub("", output)
    *_, header = [None, *_HEADER.finditer(text)]
    outcomes: dict[str, Outcome] = {}
    folded: Counter[str] = Counter()
    for line in text[header.end() :].split("\n") if header else ():
        word, _, rest = line.partition(" ")
        if word not in _WORDS:
            continue
        if word == "SKIPPED" and (fold := _FOLDED.match(rest)):
            folded[fold.group(2)] += int(fold.group(1))
            continue
        test = _node_id(rest, known, may_have_message=word != "PASSED")
        if outcomes.get(test) != "failed":
            outcomes[test] = _WORDS[word]
    return TestLog(outcomes, dict(folded), _contradiction(outcomes, exit_code, header is not None))


def _node_id(rest: str, known: Collection[str], *, may_have_message: bool) -> str:
    """The node id at the start of a summary line's rest."""
    if not may_have_message or rest in known:
        return rest
    ends = [match.start() for match in re.finditer(" - ", rest)]
    for end in reversed(ends):
        if rest[:end] in known:
            return rest[:end]
    for end in ends:
        if "[" not in rest[:end] or rest[:end].endswith("]"):
            return rest[:end]
    return rest


def _contradiction(outcomes: Mapping[str, Outcome], exit_code: int | None, summary: bool) -> str:
    failures = "failed" in outcomes.values()
    if exit_code not in (0, 1):
        return f"pytest did not finish (exit code {exit_code})"
    if not summary:
        return "pytest printed no summary; the test command needs -rA"
    if failures and exit_code == 0:
        return "pytest's summary names failures, its exit code says success"
    if not failures and exit_code == 1:
        return "pytest's exit code says failure, its summary names none"
    return ""
