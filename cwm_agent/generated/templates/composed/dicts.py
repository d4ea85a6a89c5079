"""Families of dicts: selected entries, grouping, merging and best entries."""

from __future__ import annotations

import itertools
import re

from cwm_agent.generated.templates.composed import numbers, texts
from cwm_agent.generated.templates.composed.engine import (
    Change,
    Result,
    Source,
    Test,
    build,
    compose,
    on,
    pick,
    thin,
)
from cwm_agent.generated.templates.template import Template

_ENTRIES = ("for KEY, VAL in TABLE.items()",)
_SOURCES = (
    Source("", _ENTRIES, "VAL", ("entries of TABLE",), ("TABLE",), "entries", "VAL", "whose value"),
)
_BY_KEY = (
    Source(
        "key", _ENTRIES, "VAL", ("entries of TABLE",), ("TABLE",), "entries", "KEY", "whose key"
    ),
)
_CHANGES = tuple(
    Change(change.key, change.code, (change.says[-1].replace("each", "values"),), change.needs)
    for change in numbers.CHANGES
    if ", each" in change.says[-1]
)
_DICT = (
    Result("dict", ("pick", "filter"), ("a dict of #",), ("{KEY: @~}",),
           ("OUT = {}", "OUT[KEY] = @", "return OUT")),
)  # fmt: skip
_INVERTED = (
    Result("inverted", ("invert", "swap"), ("a dict from value to key of #",), ("{VAL: KEY~}",),
           ("OUT = {}", "OUT[VAL] = KEY", "return OUT"), plain=True),
)  # fmt: skip


def entry_family() -> list[Template]:
    """Dicts of some entries of a dict."""
    tests = (None, *numbers.LIMITS)
    return [
        *compose("entries", _SOURCES, tests, _CHANGES, _DICT, 24),
        *compose("entries", _BY_KEY, texts.WORD_TESTS, _CHANGES, _DICT, 15),
        *compose("entries", _SOURCES, tests, (), _INVERTED, 8),
    ]


_Key = tuple[str, str, str, tuple[str, ...]]

_NUMBER_KEYS: tuple[_Key, ...] = (
    ("modulo", "X % N", "remainder by N", ("N",)),
    ("quotient", "X // N", "quotient (rounded down) by N", ("N",)),
    ("parity", "X % 2", "remainder by 2", ()),
    ("tens", "X // 10", "number of tens", ()),
    ("size", "abs(X)", "absolute value", ()),
    ("self", "X", "value", ()),
    ("square", "X * X", "square", ()),
    ("above", "X > LIMIT2", "answer to being above LIMIT2", ("LIMIT2",)),
    ("least", "X >= LIMIT2", "answer to being at least LIMIT2", ("LIMIT2",)),
)
_WORD_KEYS: tuple[_Key, ...] = (
    ("length", "len(X)", "length", ()),
    ("initial", "X[0]", "first character", ()),
    ("final", "X[-1]", "last character", ()),
    ("lower", "X.lower()", "lower-case form", ()),
    ("self", "X", "word", ()),
    ("start", "X[:FEW2]", "start of FEW2 characters", ()),
    ("has", "CHAR2 in X", "answer to containing CHAR2", ("CHAR2",)),
    ("long", "len(X) > LIMIT2", "answer to being longer than LIMIT2", ("LIMIT2",)),
)
_GROUPS = (
    ("list", "OUT.setdefault(@, []).append(X)", "the list of its #"),
    ("count", "OUT[@] = OUT.get(@, 0) + 1", "the number of its #"),
    ("last", "OUT[@] = X", "the last of its #"),
    ("first", "OUT.setdefault(@, X)", "the first of its #"),
    ("total", "OUT[@] = OUT.get(@, 0) + X", "the sum of its #"),
    ("largest", "OUT[@] = max(X, OUT.get(@, X))", "the largest of its #"),
    ("smallest", "OUT[@] = min(X, OUT.get(@, X))", "the smallest of its #"),
    ("positions", "OUT.setdefault(@, []).append(I)", "the positions of its #"),
)


def _grouped(
    items: str, key: _Key, how: tuple[str, str, str], test: Test | None
) -> Template | None:
    noun = "words" if items == "WORDS" else "values"
    name = f"group/{noun}/{key[0]}/{how[0]}/{test.key if test else 'all'}"
    if how[0] == "total" and items == "WORDS":
        return None
    phrase = f"{noun} in {items}"
    lines = ["for I, X in enumerate(ITEMS):" if how[0] == "positions" else "for X in ITEMS:"]
    indent = "    "
    if test:
        phrase += f" that {pick(name, test.says)}"
        lines.append(f"{indent}if {on(test.code, 'X')}:")
        indent += "    "
    body = "\n".join(["OUT = {}", *lines, indent + how[1].replace("@", key[1]), "return OUT"])
    sentence = f"Return a dict from each {key[2]} to {how[2].replace('#', phrase)}."
    needs = (items, *key[3], *(test.needs if test else ()))
    if len(set(needs)) < len(needs):
        return None
    names = (f"group_by_{key[0]}", f"{how[0]}_by_{key[0]}", f"{how[0]}_{noun}")
    return build(name, names, needs, sentence, body.replace("ITEMS", items))


def group_family() -> list[Template]:
    """Dicts that group or count items by a key."""
    ints = itertools.product(("ITEMS",), _NUMBER_KEYS, _GROUPS, (None, None, *numbers.LIMITS[::3]))
    words = itertools.product(("WORDS",), _WORD_KEYS, _GROUPS, (None, *texts.WORD_TESTS[::3]))
    made: list[Template] = []
    for parts, budget in ((ints, 36), (words, 34)):
        found = [_grouped(*part) for part in parts]
        made += thin((template for template in found if template), budget)
    return made


_PAIR_GROUPS = (
    ("sum", "OUT[KEY] = OUT.get(KEY, 0) + VAL", "the sum of #"),
    ("count", "OUT[KEY] = OUT.get(KEY, 0) + 1", "the number of #"),
    ("largest", "OUT[KEY] = max(VAL, OUT.get(KEY, VAL))", "the largest of #"),
    ("smallest", "OUT[KEY] = min(VAL, OUT.get(KEY, VAL))", "the smallest of #"),
    ("list", "OUT.setdefault(KEY, []).append(VAL)", "the list of #"),
    ("last", "OUT[KEY] = VAL", "the last of #"),
    ("first", "OUT.setdefault(KEY, VAL)", "the first of #"),
    ("balance", "OUT[KEY] = OUT.get(KEY, 0) - VAL", "minus the sum of #"),
)


def _paired(how: tuple[str, str, str], test: Test | None) -> Template | None:
    name = f"ledger/{how[0]}/{test.key if test else 'all'}"
    phrase, indent, lines = "its second parts", "    ", ["for KEY, VAL in PAIRS:"]
    if test:
        phrase += f" that {pick(name, test.says)}"
        lines.append(f"    if {on(test.code, 'VAL')}:")
        indent += "    "
    body = "\n".join(["OUT = {}", *lines, indent + how[1], "return OUT"])
    sentence = f"Return a dict from each first part in PAIRS to {how[2].replace('#', phrase)}."
    names = (f"{how[0]}_by_name", f"{how[0]}_table", "ledger")
    return build(name, names, ("PAIRS", *(test.needs if test else ())), sentence, body)


_MERGES = (
    ("sum", "VAL + OUT.get(KEY, 0)", "sums", "the sum"),
    ("largest", "max(VAL, OUT.get(KEY, VAL))", "maximum", "the larger"),
    ("smallest", "min(VAL, OUT.get(KEY, VAL))", "minimum", "the smaller"),
    ("left", "OUT.get(KEY, VAL)", "left", "the value of TABLE"),
    ("right", "VAL", "right", "the value of TABLE2"),
    ("rest", "OUT.get(KEY, 0) - VAL", "difference", "TABLE minus TABLE2 (missing is 0)"),
)
_SINGLES = {
    "shared": ("{KEY: VAL for KEY, VAL in TABLE.items() if KEY in TABLE2}",
               "the entries of TABLE whose key is also in TABLE2, as a dict"),
    "missing": ("{KEY: VAL for KEY, VAL in TABLE.items() if KEY not in TABLE2}",
                "the entries of TABLE whose key is not in TABLE2, as a dict"),
    "equal": ("sorted(KEY for KEY in TABLE if TABLE2.get(KEY) == TABLE[KEY])",
              "the sorted keys whose values are equal in TABLE and TABLE2"),
    "grown": ("sorted(KEY for KEY in TABLE if TABLE2.get(KEY, 0) > TABLE[KEY])",
              "the sorted keys of TABLE whose value is larger in TABLE2 (0 if missing)"),
    "shrunk": ("sorted(KEY for KEY in TABLE if TABLE2.get(KEY, 0) < TABLE[KEY])",
               "the sorted keys of TABLE whose value is smaller in TABLE2 (0 if missing)"),
    "all_keys": ("sorted(set(TABLE) | set(TABLE2))", "the sorted keys of TABLE or TABLE2"),
    "common": ("sorted(set(TABLE) & set(TABLE2))", "the sorted keys in both TABLE and TABLE2"),
    "cost": ("sum(VAL * TABLE2.get(KEY, 0) for KEY, VAL in TABLE.items())",
             "the sum over TABLE of value times value in TABLE2 (0 if missing)"),
    "best": ("max(TABLE, key=TABLE.get, default=None)",
             "the key of TABLE with the largest value, or None if empty"),
    "worst": ("min(TABLE, key=TABLE.get, default=None)",
              "the key of TABLE with the smallest value, or None if empty"),
    "by_value": ("sorted(TABLE, key=TABLE.get)",
    "the keys of TABLE, sorted by value, smallest first"),
    "by_value_down": ("sorted(TABLE, key=TABLE.get, reverse=True)",
                      "the keys of TABLE, sorted by value, largest first"),
    "top": ("sorted(TABLE, key=TABLE.get, reverse=True)[:N2]",
            "the N2 keys of TABLE with the largest values, largest first"),
    "bottom": ("sorted(TABLE, key=TABLE.get)[:N2]",
               "the N2 keys of TABLE with the smallest values, smallest first"),
    "increase": ("{**TABLE, KEY: TABLE.get(KEY, 0) + VAL}",
                 "a copy of TABLE with VAL added to the value of KEY (0 if missing)"),
    "decrease": ("{**TABLE, KEY: TABLE.get(KEY, 0) - VAL}",
                 "a copy of TABLE with VAL subtracted from the value of KEY (0 if missing)"),
    "without": ("{W: X for W, X in TABLE.items() if W != KEY}", "a copy of TABLE without KEY"),
    "enough": ("TABLE.get(KEY, 0) >= VAL",
    "whether the value of KEY in TABLE (0 if missing) is at least VAL"),
    "short": ("max(VAL - TABLE.get(KEY, 0), 0)",
              "how much the value of KEY in TABLE (0 if missing) is below VAL, at least 0"),
}  # fmt: skip


def _spelled_out(code: str) -> str:
    """The body for an expression; a selection gets a line of its own."""
    entries = re.fullmatch(r"\{KEY: VAL (for .* in TABLE.items\(\)) (if .*)\}", code)
    if entries:
        loop, test = entries.groups()
        return f"OUT = {{}}\n{loop}:\n    {test}:\n        OUT[KEY] = VAL\nreturn OUT"
    wrapped = re.fullmatch(r"(sorted|sum)\((.*) (for .* in .*)\)", code)
    if wrapped:
        outer, element, tail = wrapped.groups()
        return f"OUT = [{element} {tail}]\nreturn {outer}(OUT)"
    return f"return {code}"


def _merged(how: tuple[str, str, str, str], test: Test | None) -> Template | None:
    key, code, verb, says = how
    name = f"merge/{key}/{test.key if test else 'all'}"
    lines = ["OUT = dict(TABLE)", "for KEY, VAL in TABLE2.items():"]
    lines += [f"    if {on(test.code, 'VAL')}:"] if test else []
    lines += [f"{'        ' if test else '    '}OUT[KEY] = {code}", "return OUT"]
    limited = f" (only values that {pick(name, test.says)})" if test else ""
    sentence = f"Return TABLE merged with TABLE2{limited}, taking {says} for shared keys."
    if key == "rest":
        sentence = f"Return TABLE with the values of TABLE2{limited} subtracted (0 if missing)."
    names = (f"merge_{verb}", f"combine_{key}", "merge")
    return build(
        name, names, ("TABLE", "TABLE2", *(test.needs if test else ())), sentence, "\n".join(lines)
    )


def merge_family() -> list[Template]:
    """Two dicts, or the best entries of one; sums and lists per first part of pairs."""
    tests = (None, *numbers.LIMITS)
    merged = [_merged(how, test) for how, test in itertools.product(_MERGES, tests)]
    paired = [_paired(how, test) for how, test in itertools.product(_PAIR_GROUPS, tests)]
    made = thin((t for t in merged if t), 20) + thin((t for t in paired if t), 28)
    for key, (code, says) in _SINGLES.items():
        words = re.findall(r"\w+", says)
        needs = [need for need in ("TABLE", "TABLE2", "KEY", "VAL", "N2") if need in words]
        names = (f"{key}_entries", f"get_{key}", f"{key}_of_table")
        sentence, body = f"Return {says}.", _spelled_out(code)
        template = build(f"tables/{key}", names, needs or ["TABLE"], sentence, body)
        made += [template] if template else []
    return made


def families() -> list[list[Template]]:
    """The templates of all families of this module."""
    return [entry_family(), group_family(), merge_family()]
