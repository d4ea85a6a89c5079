"""Makers of arguments for the stand-alone templates."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from cwm_agent.generated.templates.template import Arguments, MakeArguments

Maker = Callable[[random.Random], Any]


def number(low: int, high: int) -> Maker:
    """A number from low to high, both inclusive."""
    return lambda rng: rng.randint(low, high)


def choose(*options: object) -> Maker:
    """One of the options."""
    return lambda rng: rng.choice(options)


def list_of(maker: Maker, low: int = 0, high: int = 5) -> Maker:
    """A list of low to high things."""
    return lambda rng: [maker(rng) for _ in range(rng.randint(low, high))]


def tuple_of(*makers: Maker) -> Maker:
    """A tuple with one thing of each maker."""
    return lambda rng: tuple(maker(rng) for maker in makers)


def text_of(letters: str, low: int = 0, high: int = 6) -> Maker:
    """A text of low to high of these characters."""
    return lambda rng: "".join(rng.choice(letters) for _ in range(rng.randint(low, high)))


def joined(sep: str, maker: Maker, low: int = 1, high: int = 4) -> Maker:
    """Things of a maker as one text, with a separator between them."""
    return lambda rng: sep.join(str(maker(rng)) for _ in range(rng.randint(low, high)))


def maybe(maker: Maker, chance: float = 0.25, otherwise: object = None) -> Maker:
    """Mostly a thing of the maker, sometimes None or another value."""
    return lambda rng: otherwise if rng.random() < chance else maker(rng)


def sorted_of(maker: Maker) -> Maker:
    """A list of the maker in ascending order."""
    return lambda rng: sorted(maker(rng))


def dict_of(key: Maker, value: Maker, low: int = 0, high: int = 4) -> Maker:
    """A dictionary of at most high entries."""
    return lambda rng: {key(rng): value(rng) for _ in range(rng.randint(low, high))}


def rows(low: int = 0, high: int = 4, **fields: Maker) -> Maker:
    """A list of dictionaries that all have these fields."""
    return lambda rng: [
        {field: maker(rng) for field, maker in fields.items()}
        for _ in range(rng.randint(low, high))
    ]


def span(low: int = 0, high: int = 9) -> Maker:
    """A pair of numbers, the smaller one first; they may be equal."""
    return lambda rng: tuple(sorted((rng.randint(low, high), rng.randint(low, high))))


def box_of(least: int, most: int) -> Maker:
    """A rectangle (left, top, right, bottom) whose sides are from least to most long."""

    def make(rng: random.Random) -> tuple[int, int, int, int]:
        left, top = rng.randint(0, 2), rng.randint(0, 2)
        return left, top, left + rng.randint(least, most), top + rng.randint(least, most)

    return make


def shuffled(*options: tuple[int, ...]) -> Maker:
    """The members of one of the options in random order."""

    def make(rng: random.Random) -> tuple[int, ...]:
        option = rng.choice(options)
        return tuple(rng.sample(option, len(option)))

    return make


def grid(rng: random.Random) -> list[list[int]]:
    """1 to 3 rows of 1 to 4 numbers, all of the same length."""
    width = rng.randint(1, 4)
    return [[rng.randint(0, 9) for _ in range(width)] for _ in range(rng.randint(1, 3))]


def square(rng: random.Random) -> list[list[int]]:
    """1 to 4 rows of as many numbers."""
    size = rng.randint(1, 4)
    return [[rng.randint(0, 5) for _ in range(size)] for _ in range(size)]


def binary_grid(rng: random.Random) -> list[list[int]]:
    """1 to 4 rows of 1 to 4 zeros and ones."""
    width = rng.randint(1, 4)
    return [[rng.randint(0, 1) for _ in range(width)] for _ in range(rng.randint(1, 4))]


def with_member(items: Maker, chance: float = 0.7, other: Maker | None = None) -> MakeArguments:
    """A list, then mostly one of its members, else a thing of the other maker."""
    otherwise = other or number(0, 9)

    def make(rng: random.Random) -> Arguments:
        made = items(rng)
        member = rng.choice(list(made)) if made and rng.random() < chance else otherwise(rng)
        return (made, member)

    return make


def with_index(items: Maker, *more: Maker) -> MakeArguments:
    """A sequence that is not empty, then an index of it, then more."""

    def make(rng: random.Random) -> Arguments:
        made = items(rng)
        return (made, rng.randrange(len(made)), *(maker(rng) for maker in more))

    return make


def same_length(*makers: Maker, low: int = 0, high: int = 5) -> MakeArguments:
    """Lists of one length, one for each maker."""

    def make(rng: random.Random) -> Arguments:
        size = rng.randint(low, high)
        return tuple([maker(rng) for _ in range(size)] for maker in makers)

    return make
