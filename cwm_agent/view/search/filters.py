"""The filter language of lists, shared by the viewer and `cwm-agent ls --filter`.

Words apart by blanks must all hold; `-word` or `not:word` turns one around; `a|b` holds when one
does. A word is one of `fail`, `pass`, `err`, `live`, `flip`, `damaged`, `unscored`; a key with a
value, `exit:timeout`, `tool:edit`, `repo:django`, `run:first`, `policy:nano`, `state:live`,
`text:"some words"`; a number, `steps>40`, `tokens<9000`, `seconds>=60`, `sample=3`; or anything
else, which must stand in the instance's name.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from cwm_agent.errors import UsageError
from cwm_agent.view.sources.row import Row

Test = Callable[[Row], bool]
Keys = frozenset[tuple[str, str, int]]
FindText = Callable[[str], Keys]
"""The keys of the rows whose trajectory holds a text."""

_WORDS: Mapping[str, Test] = {
    "fail": lambda row: row.state == "unresolved",
    "pass": lambda row: row.state == "resolved",
    "err": lambda row: row.state in ("error", "damaged"),
    "live": lambda row: row.state == "live",
    "flip": lambda row: row.flip,
    "damaged": lambda row: row.state == "damaged",
    "unscored": lambda row: row.state == "unscored",
}
_COMPARE: Mapping[str, Callable[[float, float], bool]] = {
    ">=": operator.ge, "<=": operator.le, ">": operator.gt, "<": operator.lt, "=": operator.eq,
}  # fmt: skip
_NUMBERS: Mapping[str, Callable[[Row], float]] = {
    "steps": lambda row: row.steps,
    "turns": lambda row: row.steps,
    "tokens": lambda row: row.tokens,
    "seconds": lambda row: row.seconds,
    "sample": lambda row: row.sample,
}
_TEXTS: Mapping[str, Callable[[Row], str]] = {
    "exit": lambda row: row.exit,
    "repo": lambda row: row.instance.partition("-")[0] or row.instance,
    "run": lambda row: row.run,
    "policy": lambda row: row.policy,
    "state": lambda row: row.state,
    "id": lambda row: row.instance,
}
_TOKEN = re.compile(r'(?:[^\s"]|"(?:[^"\\]|\\.)*")+')
_NUMBER = re.compile(r"([a-z]+)(>=|<=|>|<|=)(-?\d+(?:\.\d+)?)([km]?)")
_SCALE = {"": 1, "k": 1_000, "m": 1_000_000}


@dataclass(frozen=True, slots=True)
class Filter:
    """A read filter; `holds` says whether a row passes."""

    said: str
    tests: tuple[Test, ...]

    def holds(self, row: Row) -> bool:
        """Whether every word does."""
        return all(test(row) for test in self.tests)


def parse_filter(said: str, find_text: FindText | None = None) -> Filter:
    """Read a filter; `find_text` answers `text:`. Raises UsageError naming the word."""
    if said.count('"') % 2:
        raise UsageError(f'the filter has an open quote: {said}; close it, as in text:"two words"')
    return Filter(said, tuple(_word(token, find_text) for token in _TOKEN.findall(said)))


def _word(token: str, find_text: FindText | None) -> Test:
    if token.startswith(("-", "not:")) and len(token) > 1:
        inner = _word(token.removeprefix("not:") if token[0] == "n" else token[1:], find_text)
        return lambda row: not inner(row)
    if "|" in token and '"' not in token:
        options = [_word(part, find_text) for part in token.split("|") if part]
        return lambda row: any(test(row) for test in options)
    if token in _WORDS:
        return _WORDS[token]
    if found := _NUMBER.fullmatch(token):
        return _compared(*found.groups())
    key, colon, value = token.partition(":")
    if colon and key in (*_TEXTS, "tool", "text"):
        return _keyed(key, value.replace('\\"', '"').strip('"'), find_text)
    wanted = token.strip('"').lower()
    return lambda row: wanted in row.instance.lower()


def _compared(name: str, sign: str, number: str, scale: str) -> Test:
    if name not in _NUMBERS:
        raise UsageError(f"{name} is no number of an attempt; use {', '.join(_NUMBERS)}")
    get, compare, limit = _NUMBERS[name], _COMPARE[sign], float(number) * _SCALE[scale]
    return lambda row: compare(get(row), limit)


def _keyed(key: str, value: str, find_text: FindText | None) -> Test:
    wanted = value.lower()
    if not wanted:
        raise UsageError(f"the filter {key}: needs a value, as in {key}:something")
    if key == "tool":
        return lambda row: any(wanted in tool.lower() for tool in row.tools)
    if key == "text":
        if find_text is None:
            raise UsageError("text: is not known here")
        keys = find_text(value)
        return lambda row: row.key in keys
    get = _TEXTS[key]
    # An exit is known under its own word and under its short one: exit:timeout is time_limit, too.
    also = "time" if (key, wanted) == ("exit", "timeout") else wanted
    return lambda row: wanted in get(row).lower() or also in get(row).lower()
