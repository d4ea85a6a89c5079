"""Arguments of calls, made from the placeholder names of the parameters.

Scalars are mostly drawn from what the earlier arguments hold, so that values
equal to a limit, words with the prefix and known keys are frequent.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

from cwm_agent.generated.templates import pools
from cwm_agent.generated.templates.template import Arguments, MakeArguments

Maker = Callable[[random.Random, list[object]], object]

_WORDS = (
    "red",
    "Blue",
    "green",
    "Ant",
    "bee",
    "cat",
    "owl",
    "level",
    "aa",
    "b",
    "Zoo",
    "abba",
    "x1",
    "Orange",
)
_PAIRED = ("red", "Blue", "cat", "level", "aa", "Ant", "abba", "b", "Orange")


def _numbers(value: object) -> Iterator[int]:
    """The numbers that a test could meet in an argument, sizes and sums included."""
    if isinstance(value, int):
        yield value
        if value > 12:
            yield value % 10
            yield value // 10 % 10
    elif isinstance(value, str):
        yield len(value)
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _numbers(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _numbers(inner)
            if isinstance(inner, list):
                yield sum(item for item in inner if isinstance(item, int))


def _texts(value: object) -> Iterator[str]:
    """The words in an argument."""
    if isinstance(value, str):
        yield from value.split()
    elif isinstance(value, dict | list | tuple):
        for inner in value:
            yield from _texts(inner)


def _limit(rng: random.Random, made: list[object]) -> int:
    known = [number for value in made for number in _numbers(value)]
    if known and rng.random() < 0.65:
        return rng.choice(known)
    return rng.randint(-3, 9)


def _low(rng: random.Random, made: list[object]) -> int:
    return _limit(rng, made) - rng.choice((0, 0, 1, 2))


def high(rng: random.Random, made: list[object]) -> int:
    """A number not below the last argument, or rarely so."""
    low = made[-1] if made and isinstance(made[-1], int) else 0
    above = [n for value in made for n in _numbers(value) if n >= low]
    if above and rng.random() < 0.5:
        return rng.choice(above)
    return low + rng.choice((0, 1, 2, 3, 4, 5, 6, 8))


def _word(rng: random.Random, made: list[object]) -> str:
    known = [text for value in made for text in _texts(value)]
    return rng.choice(known) if known and rng.random() < 0.7 else rng.choice(_WORDS)


def _char(rng: random.Random, made: list[object]) -> str:
    return rng.choice(_word(rng, made))


def _items(rng: random.Random, made: list[object]) -> list[int]:
    del made
    least = -5 if rng.random() < 0.4 else 0
    size = rng.choice((0, 1, 2, 3, 4, 5, 6, 4, 5, 6))
    items = [rng.randint(least, 9) for _ in range(size)]
    if items and rng.random() < 0.3:
        items[rng.randrange(size)] = 0
    if len(items) > 2 and rng.random() < 0.3:
        items[-1] = items[0]
    return items


def _words(rng: random.Random, made: list[object]) -> list[str]:
    del made
    return [rng.choice(_WORDS) for _ in range(rng.choice((0, 1, 2, 3, 4, 5, 3, 4, 5)))]


def _text(rng: random.Random, made: list[object]) -> str:
    del made
    words = [rng.choice(_WORDS) for _ in range(rng.randint(0, 4))]
    if rng.random() < 0.3:
        words.append(str(rng.randint(0, 40)))
    joined = " ".join(words)
    return f" {joined} " if rng.random() < 0.15 else joined


def _table(rng: random.Random, made: list[object]) -> dict[str, int]:
    least = -4 if rng.random() < 0.3 else 0
    known = [text for value in made if isinstance(value, dict) for text in _texts(value)]
    words = (*_WORDS, *known * 6)
    return {rng.choice(words): rng.randint(least, 9) for _ in range(rng.randint(0, 5))}


def _pairs(rng: random.Random, made: list[object]) -> list[tuple[str, int]]:
    del made
    least = -4 if rng.random() < 0.3 else 0
    return [(rng.choice(_PAIRED), rng.randint(least, 9)) for _ in range(rng.randint(0, 5))]


def _grid(rng: random.Random, made: list[object]) -> list[list[int]]:
    del made
    least, width = rng.choice((-6, -4, 0)), rng.randint(1, 4)
    height = rng.choice((0, 1, 2, 3, 4, 2, 3))
    return [[rng.randint(least, 9) for _ in range(width)] for _ in range(height)]


def _bounded(least: int, most: int) -> Maker:
    def make(rng: random.Random, made: list[object]) -> int:
        del made
        return rng.randint(least, most)

    return make


def _scalar(rng: random.Random, made: list[object]) -> int:
    if made and rng.random() < 0.45:
        return _limit(rng, made) + rng.choice((-1, 0, 0, 1))
    return rng.randint(-6, 9)


def _pure(maker: Callable[[random.Random], object]) -> Maker:
    def make(rng: random.Random, made: list[object]) -> object:
        del made
        return maker(rng)

    return make


def _slice_of_word(first: bool) -> Maker:
    def make(rng: random.Random, made: list[object]) -> str:
        word, size = _word(rng, made), rng.randint(1, 2)
        return word[:size] if first else word[-size:]

    return make


def _natural(rng: random.Random, made: list[object]) -> int:
    del made
    return rng.randint(0, 20) if rng.random() < 0.5 else rng.randint(10, 4000)


MAKERS: dict[str, Maker] = {
    "ITEMS": _items,
    "WORDS": _words,
    "TEXT": _text,
    "TABLE": _table,
    "PAIRS": _pairs,
    "GRID": _grid,
    "LIMIT": _limit,
    "LOW": _low,
    "HIGH": high,
    "N": _bounded(1, 5),
    "N2": _bounded(1, 3),
    "N7": _bounded(1, 40),
    "N8": _bounded(0, 24),
    "N9": _natural,
    "STEP": _bounded(1, 4),
    "A": _scalar,
    "B": _scalar,
    "C": _scalar,
    "X": _scalar,
    "I": _bounded(0, 6),
    "SEP": _pure(pools.separator),
    "PREFIX": _slice_of_word(True),
    "SUFFIX": _slice_of_word(False),
    "CHAR": _char,
    "W": _word,
    "KEY": _word,
    "VAL": _limit,
    "TOTAL": _bounded(0, 30),
    "COUNT": _bounded(1, 4),
    "BASE": _bounded(-3, 12),
}


def arguments(parameters: tuple[str, ...], **special: Maker) -> MakeArguments:
    """The arguments for these placeholders; `special` overrides the maker of one."""
    makers = [special.get(name) or MAKERS.get(name) or MAKERS[name[:-1]] for name in parameters]

    def make(rng: random.Random) -> Arguments:
        made: list[object] = []
        for maker in makers:
            made.append(maker(rng, made))
        return tuple(made)

    return make
