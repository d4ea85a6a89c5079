"""Families that are fully composed: sources x tests x changes x results."""

from __future__ import annotations

from cwm_agent.generated.templates.composed import numbers, sources, texts
from cwm_agent.generated.templates.composed.engine import Result, Source, compose, thin
from cwm_agent.generated.templates.template import Template

_ALL = (None, *(test for test in numbers.TESTS if test.key != "zero"))


def _results(table: tuple[Result, ...], *keys: str) -> tuple[Result, ...]:
    return tuple(result for result in table if result.key in keys)


def _sources(table: tuple[Source, ...], *keys: str) -> tuple[Source, ...]:
    return tuple(source for source in table if source.key in keys)


# Their results hardly ever vary.
_DULL = (
    "place/at/minimum_none/above_fixed/minus_fixed/skip",
    "range/under/minimum_none/differ/expr",
    "two/larger/distinct/negative/minus_one/named",
    "table/item_values/spread/prefix/named",
)
_NUMBERS = numbers.REDUCE + numbers.COLLECT
_BASIC = _results(_NUMBERS, "sum", "count", "maximum", "minimum_none", "first", "last", "list",
                  "descending", "distinct", "less", "average", "spread")  # fmt: skip
_NAMED = _results(texts.WORD_RESULTS, "joined", "list", "count", "longest", "shortest", "first",
                  "last", "sorted", "once", "smallest", "length")  # fmt: skip
_PLAIN = _results(_NUMBERS, "list", "reversed", "first", "last", "count", "rest", "once",
                  "ascending", "descending")  # fmt: skip


def reduce_family() -> list[Template]:
    """One number from the numbers of a list."""
    return compose("reduce", (sources.ITEMS,), _ALL, numbers.CHANGES, numbers.REDUCE, 150)


def collect_family() -> list[Template]:
    """A new list from the numbers of a list."""
    return compose("collect", (sources.ITEMS,), _ALL, numbers.CHANGES, numbers.COLLECT, 140)


def part_family() -> list[Template]:
    """Results of a part of a list: slices, every k-th, sorted or reversed."""
    tests = (None, None, *numbers.LIMITS[::2])
    return compose("part", sources.PARTS, tests, numbers.CHANGES, _BASIC, 60)


def place_family() -> list[Template]:
    """Positions and values by value and position."""
    tests = numbers.COUNTS
    where = compose("place", sources.PLACES[:1], numbers.LIMITS, (), _PLAIN, 25)
    return where + compose("place", sources.PLACES[1:], tests, numbers.CHANGES, _BASIC, 30)


def two_family() -> list[Template]:
    """Two lists side by side, and neighbours in one list."""
    tests = (None, *numbers.LIMITS)
    pairs = compose("two", sources.TWO, tests, numbers.CHANGES[:12], _BASIC, 45)
    return pairs + compose("near", sources.NEIGHBOURS, tests, numbers.CHANGES[:12], _BASIC, 50)


def range_family() -> list[Template]:
    """Numbers of a range, digits and divisors."""
    tests = (None, *(test for test in numbers.COUNTS if "LOW" not in test.needs))
    results = (*_BASIC, *_results(_NUMBERS, "product", "running", "reversed", "texts"))
    changes = tuple(change for change in numbers.CHANGES if change.key != "absolute")
    return compose("range", sources.RANGES, tests, changes, results, 90)


def word_family() -> list[Template]:
    """Words of a list or text."""
    tests = (None, *texts.WORD_TESTS)
    plain = compose("words", texts.WORDS[:1], tests, texts.WORD_CHANGES, texts.WORD_RESULTS, 90)
    others = compose("words", texts.WORDS[1:], tests, texts.WORD_CHANGES, texts.WORD_RESULTS, 40)
    return plain + others


def char_family() -> list[Template]:
    """Characters of a text."""
    tests = (None, *texts.CHAR_TESTS)
    return compose("chars", texts.CHARS, tests, texts.CHAR_CHANGES, texts.CHAR_RESULTS, 60)


def table_family() -> list[Template]:
    """Keys, values and entries of a dict."""
    tests, words = (None, *numbers.LIMITS), texts.WORD_TESTS
    values = _sources(sources.TABLES, "values", "looked_up", "both", "change")
    keyed = _sources(sources.TABLES, "entries_key")
    return [
        *compose("table", values, tests, numbers.CHANGES, _BASIC, 40),
        *compose(
            "table", _sources(sources.TABLES, "item_values"), words, numbers.CHANGES, _BASIC, 25
        ),
        *compose("table", _sources(sources.TABLES, "keys"), numbers.LIMITS, (), _NAMED, 20),
        *compose("table", _sources(sources.TABLES, "only_keys"), words, (), _NAMED, 15),
        *compose("table", _sources(sources.TABLES, "entries"), numbers.LIMITS, (), _PLAIN, 15),
        *compose("table", keyed, words, (), _PLAIN, 10),
    ]


def pair_family() -> list[Template]:
    """Lists of (text, number) tuples."""
    tests, words = (None, *numbers.LIMITS), texts.WORD_TESTS
    table = sources.PAIRS
    whole = _sources(table, "whole", "swapped")
    return [
        *compose("pairs", _sources(table, "second"), tests, numbers.CHANGES, _BASIC, 25),
        *compose("pairs", _sources(table, "second_of"), words, numbers.CHANGES, _BASIC, 30),
        *compose("pairs", _sources(table, "first"), numbers.LIMITS, texts.WORD_CHANGES, _NAMED, 30),
        *compose("pairs", _sources(table, "only_first"), words, texts.WORD_CHANGES, _NAMED, 15),
        *compose("pairs", whole, numbers.LIMITS, (), _PLAIN, 20),
        *compose("pairs", _sources(table, "whole_first"), words, (), _PLAIN, 10),
    ]


def grid_family() -> list[Template]:
    """Lists of rows of numbers."""
    tests = (None, *numbers.LIMITS)
    rows = _sources(sources.GRIDS, "rows_sum", "rows_first", "row_places")
    rest = tuple(source for source in sources.GRIDS if source not in rows)
    counted = compose("grid", rest, tests, numbers.CHANGES, _BASIC, 65)
    return counted + compose("grid", rows, numbers.LIMITS, (), _PLAIN, 25)


def families() -> list[list[Template]]:
    """The templates of all families of this module."""
    makers = (reduce_family, collect_family, part_family, place_family, two_family, range_family,
              word_family, char_family, table_family, pair_family, grid_family)  # fmt: skip
    made = [[template for template in make() if template.name not in _DULL] for make in makers]
    return [thin(family, len(family) * 13 // 20) for family in made]
