"""Words that placeholders of templates stand for, and makers of arguments."""

from __future__ import annotations

import itertools
import random

from cwm_agent.generated.templates.template import Arguments, MakeArguments

_SYLLABLES = ("ba", "do", "ki", "lu", "me", "no", "pa", "ri", "so", "tu", "ve", "zo")
_NONSENSE = tuple("".join(pair) for pair in itertools.product(_SYLLABLES, repeat=2))

POOLS: dict[str, tuple[str, ...]] = {
    # sequences, and what one holds
    "ITEMS": (
        "items",
        "values",
        "numbers",
        "data",
        "entries",
        "scores",
        "seq",
        "amounts",
        "series",
    ),
    "WORDS": ("words", "names", "labels", "parts", "tokens", "lines", "tags", "keys"),
    "X": ("x", "item", "value", "n", "entry", "v", "number", "element"),
    "W": ("word", "w", "name", "label", "part", "token", "s"),
    "I": ("i", "index", "pos", "k", "j"),
    # accumulators and results
    "TOTAL": ("total", "result", "acc", "out", "res", "sum_so_far"),
    "COUNT": ("count", "hits", "found", "n_found", "matches"),
    "BEST": ("best", "top", "chosen", "winner", "current"),
    "OUT": ("out", "result", "kept", "picked", "collected", "res"),
    # scalars
    "LIMIT": ("limit", "bound", "threshold", "cap", "cutoff", "mark"),
    "LOW": ("low", "lower", "minimum", "start", "first"),
    "HIGH": ("high", "upper", "maximum", "stop", "last"),
    "N": ("n", "count", "size", "amount", "num"),
    "STEP": ("step", "gap", "stride", "width"),
    "A": ("a", "left", "x", "p", "one"),
    "B": ("b", "right", "y", "q", "two"),
    "C": ("c", "third", "z", "r"),
    # texts
    "TEXT": ("text", "line", "string", "message", "content", "phrase"),
    "SEP": ("sep", "separator", "glue", "delimiter"),
    "PREFIX": ("prefix", "head", "lead"),
    "SUFFIX": ("suffix", "tail", "ending"),
    "CHAR": ("char", "c", "letter", "ch", "symbol"),
    # mappings and records
    "TABLE": ("table", "mapping", "lookup", "stock", "prices", "registry", "index"),
    "KEY": ("key", "k", "name", "field_name"),
    "VAL": ("val", "value", "v", "amount"),
    "ROWS": ("rows", "records", "people", "orders", "users", "products"),
    "ROW": ("row", "record", "r", "person", "order"),
    "FIELD": ("age", "price", "score", "size", "weight", "rank", "level", "qty"),
    "FIELDB": ("name", "title", "code", "city", "team", "kind"),
    # of the stand-alone templates
    "PAIRS": ("pairs", "couples", "links", "edges", "entries"),
    "PAIR": ("pair", "couple", "link", "edge"),
    "GRID": ("grid", "board", "matrix", "cells", "area"),
    "R": ("r", "row", "y", "line"),
    "COL": ("col", "column", "c", "x", "j"),
    "SEEN": ("seen", "known", "visited", "used", "done"),
    "STACK": ("stack", "pending", "pile", "waiting", "todo"),
    "GROUPS": ("groups", "buckets", "grouped", "bins", "by_key"),
    "PARTS": ("parts", "pieces", "chunks", "segments", "bits"),
    "LAST": ("last", "prev", "previous", "before", "old"),
    "RUN": ("run", "streak", "length", "current"),
    "DEPTH": ("depth", "level", "balance", "nesting"),
    "HOURS": ("hours", "hour", "h", "hrs"),
    "MINUTES": ("minutes", "mins", "minute", "m"),
    "SECONDS": ("seconds", "secs", "elapsed", "t"),
    "YEAR": ("year", "y", "yr"),
    "MONTH": ("month", "m", "mon"),
    "DAY": ("day", "d", "date"),
    "START": ("start", "begin", "since", "lo", "opening"),
    "END": ("end", "finish", "until", "hi", "closing"),
    "PRICE": ("price", "cost", "amount", "charge", "cents"),
    "RATE": ("rate", "percent", "pct", "share"),
    "PAGE": ("page", "page_no", "number", "current_page"),
    "SIZE": ("size", "per_page", "width", "length"),
    "POINT": ("point", "p", "spot", "place"),
    "POINTS": ("points", "spots", "places", "path"),
    "BITS": ("bits", "mask", "flags", "code"),
    "BIT": ("bit", "b", "shift", "place"),
    "VERSION": ("version", "release", "v", "tag"),
    "OTHERS": ("others", "other", "rest", "more", "second"),
    "TARGET": ("target", "wanted", "query", "needle", "goal"),
    "MID": ("mid", "middle", "m", "center"),
    "DEFAULT": ("default", "fallback", "otherwise", "missing"),
    "FLAG": ("flag", "strict", "enabled", "active"),
    "DIGIT": ("digit", "d", "figure"),
    "MOVE": ("move", "action", "turn", "op"),
    # constants: numbers written into the code
    "K": ("2", "3", "4", "5", "6", "7", "8", "9", "10"),
    # of the composed templates
    "FEW": ("2", "3", "4", "5"),
    "BASE": ("base", "initial", "begin", "offset"),
    "SIGN": ("sign", "factor", "direction"),
    # parts of names
    "VERB": (
        "get",
        "make",
        "calc",
        "do",
        "find",
        "handle",
        "process",
        "run",
        "take",
        *_NONSENSE[:70],
    ),
    "NOUN": ("cart", "order", "user", "file", "page", "grid", "team", "stock", *_NONSENSE[70:]),
}


def small_int(rng: random.Random) -> int:
    """0 to 9: small, so that boundaries are met."""
    return rng.randint(0, 9)


def signed_int(rng: random.Random) -> int:
    """-5 to 9."""
    return rng.randint(-5, 9)


def positive_int(rng: random.Random) -> int:
    """1 to 6."""
    return rng.randint(1, 6)


def ints(rng: random.Random) -> list[int]:
    """0 to 6 small numbers; repetitions are likely."""
    return [rng.randint(0, 9) for _ in range(rng.randint(0, 6))]


def signed_ints(rng: random.Random) -> list[int]:
    """0 to 6 numbers from -5 to 9."""
    return [rng.randint(-5, 9) for _ in range(rng.randint(0, 6))]


_LETTERS = "abcde"
_WORDS = (
    "red",
    "Blue",
    "green",
    "Ant",
    "bee",
    "cat",
    "owl",
    "sun",
    "tea",
    "aa",
    "b",
    "Zoo",
    "abba",
)


def word(rng: random.Random) -> str:
    """A short word; sometimes empty."""
    return rng.choice(_WORDS) if rng.random() < 0.9 else ""


def letter(rng: random.Random) -> str:
    """One of a few letters."""
    return rng.choice(_LETTERS)


def words(rng: random.Random) -> list[str]:
    """0 to 5 words."""
    return [rng.choice(_WORDS) for _ in range(rng.randint(0, 5))]


def text(rng: random.Random) -> str:
    """0 to 4 words with blanks between, sometimes outer or double blanks."""
    joined = " ".join(rng.choice(_WORDS) for _ in range(rng.randint(0, 4)))
    return f" {joined} " if rng.random() < 0.15 else joined


def separator(rng: random.Random) -> str:
    """Something to join with."""
    return rng.choice((", ", "-", " ", ":", "/"))


def table(rng: random.Random) -> dict[str, int]:
    """0 to 4 words with small numbers."""
    return {rng.choice(_WORDS): rng.randint(0, 9) for _ in range(rng.randint(0, 4))}


def args(*makers: object) -> MakeArguments:
    """The arguments of a call, one for each maker of this module."""

    def make(rng: random.Random) -> Arguments:
        return tuple(maker(rng) for maker in makers)  # type: ignore[operator]

    return make
