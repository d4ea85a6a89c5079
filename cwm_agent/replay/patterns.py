"""What may differ between two executions of the same action: one rule for each kind of value."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from string import Formatter


@dataclass(frozen=True, slots=True)
class Rule:
    """Values of one kind that may differ.

    A pattern's capturing groups are the values; without groups its whole match
    is. With `calls`, the rule counts only for actions whose text it finds:
    what looks like such a value elsewhere would be a result.
    """

    name: str
    about: str
    patterns: tuple[re.Pattern[str], ...]
    calls: re.Pattern[str] | None = None


def _rule(name: str, about: str, *patterns: str, calls: str | None = None) -> Rule:
    compiled = tuple(re.compile(pattern, re.MULTILINE) for pattern in patterns)
    return Rule(name, about, compiled, None if calls is None else re.compile(calls))


_DAY = r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*"
_MONTH = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*"
_CLOCK = r"\d\d:\d\d:\d\d(?:[.,]\d+)?"
_ZONE = r"(?: ?(?:Z|UTC|GMT|CES?T|[+-]\d\d:?\d\d))?"
_COMMIT = "[0-9a-f]{7,40}"
_HOST = "[0-9a-f]{12}"

RULES = (
    _rule(
        "time",
        "dates and times of day, and seconds since 1970",
        rf"\b{_DAY},? (?:{_MONTH} +\d\d?|\d\d? {_MONTH})(?: \d{{4}})? {_CLOCK}(?: [AP]M)?"
        rf"{_ZONE}(?: \d{{4}})?{_ZONE}",
        rf"\b\d{{4}}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?{_ZONE})?(?![\d-])",
        rf"\b{_MONTH} +\d\d? +(?:\d\d:\d\d(?!:)|\d{{4}}\b)",
        rf"(?<![\d:.]){_CLOCK}(?![\d:])",
        r"(?<![\w.])1[6-9]\d{8}(?:\d{3}|\d{6}|\d{9})?(?:\.\d+)?(?![\w.])",
    ),
    _rule(
        "duration",
        "how long something took, and rates",
        r"(?<![\w.])\d+m ?\d+(?:\.\d+)?s\b",
        r"\b\d+:\d\d:\d\d(?:\.\d+)?(?![\d:])",
        r"^(?:real|user|sys)[ \t]+(\d+\.\d+)$",
        r"(?<![\w.])\d+(?:\.\d+)? ?(?:[num\u00b5\u03bc]s(?:ecs?)?|secs?|s|seconds?|minutes?)\b",
        r"(?i:elapsed|took|duration|seconds|time)[\"']? ?[:=]? ?(\d+\.\d+)\b",
        r"(?<![\w.])\d+(?:\.\d+)? ?(?:[kKMGT]?i?B|it|req|op)s?/s(?:ec)?\b",
    ),
    _rule(
        "address",
        "addresses in memory",
        r"\bat (0x[0-9a-fA-F]{5,16})\b",
        r"\b0x(?:0000)?(?:7[ef]|5[56])[0-9a-f]{10}\b",
        r"(?<![\w.])(?:1(?:39|40)\d{12}|9[34]\d{12})(?![\w.])",
    ),
    _rule(
        "temporary name",
        "random names of temporary files and folders",
        r"(?<=/)tmp[a-z0-9_]{8}\b",
        r"(?<=/)tmp\.[A-Za-z0-9]{6,12}\b",
        r"(?<=/tmp/)[A-Za-z][\w.-]{0,80}?[-_.](?=[a-z_]{0,7}\d)[a-z0-9_]{8}\b",
        r"\bpytest-of-\w+/pytest-\d+\b",
        r"(?<=/)cc[A-Za-z0-9]{6}(?=\.[aios]\b)",
    ),
    _rule(
        "process id",
        "numbers of processes and threads",
        r"(?i)\b(?:p?pid|process|tid|thread)[\"']?[ =:#(]+(\d+)\b",
        r"\bline \d+: +(\d+) +(?:Killed|Terminated|Aborted|Segmentation|Hangup|Bus error|Floating)",
        r"^==(\d+)==",
        r"^ *(\d+) (?:pts/\d+|\?) ",
        r"^[a-z_][\w-]* +(\d+) +\d+\.\d +\d+\.\d ",
    ),
    _rule(
        "process id",
        "",
        r"^\[\d+\][+-]?[ \t]+(\d+)\b",
        calls=r"(?<!&)&(?!&)|\bjobs\b",
    ),
    _rule(
        "commit id",
        "ids of commits, which hold the time; never those of files and trees, which do not",
        rf"^commit ({_COMMIT})\b",
        rf"^\[[^\]\n]* ({_COMMIT})\] ",
        rf"^(?:[*|/\\ ]+ )?\^?({_COMMIT}) (?! )",
        rf"\bHEAD is now at ({_COMMIT})\b",
        rf"^(?:Updating|Merge:) ({_COMMIT})(?:\.\.| )({_COMMIT})$",
        rf"^From ({_COMMIT}) ",
        rf"\b(?:WIP on|On) [^:\n]+: ({_COMMIT}) ",
        r"\(([0-9a-f]{40})\)$",
    ),
    _rule(
        "commit id",
        "",
        rf"^({_COMMIT})$",
        calls=r"\bgit\b[^|;&\n]*\b(?:rev-parse|rev-list|log|commit-tree|stash|merge-base|show)\b",
    ),
    _rule(
        "random id",
        "UUIDs",
        r"\b[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\b",
    ),
    _rule(
        "host name",
        "the name of a container, which is its id",
        rf"\broot@({_HOST})\b",
        rf"^Linux ({_HOST}) ",
    ),
    _rule(
        "host name",
        "",
        rf"^({_HOST})$",
        calls=r"(?i)hostname|uname|platform\.node",
    ),
    _rule(
        "port",
        "ports that the system chose",
        r"(?:\blocalhost|\b127\.0\.0\.1|\b0\.0\.0\.0|\[::1?\]|\bport)[\"']?[:,]? ?"
        r"(3276[89]|327[7-9]\d|32[89]\d\d|3[3-9]\d{3}|[45]\d{4}|6[0-5]\d{3})\b",
    ),
)  # the order matters: a time holds what looks like a duration
"""Rules over values. Those over whole lines are in `cwm_agent.replay.compare`."""


def token_rule(templates: Mapping[str, str]) -> Rule:
    """The counts of tokens in the notices of a prompt pack.

    A count changes with the length of a text, so with every value above.
    """
    fields = {"remaining_tokens", "left_out", "total"}
    patterns = []
    for key in ("result.budget", "result.cut"):
        parts = []
        for literal, field, _, _ in Formatter().parse(templates.get(key, "")):
            parts.append(re.escape(literal))
            if field is not None:
                parts.append(r"(-?\d+)" if field in fields else ".*?")
        patterns.append(re.compile("".join(parts)))
    return Rule("tokens", "counts of tokens in the notices to the model", tuple(patterns))
