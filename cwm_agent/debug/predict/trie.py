"""Choosing one of several texts token by token, where most tokens are certain."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Choices:
    """Token sequences of which one is to be said. No one is the beginning of another.

    `legal` may be said; `all` are those among which the model might want to
    choose: where they part, its wish is worth asking, although only legal ones
    are obeyed.
    """

    legal: tuple[tuple[int, ...], ...]
    all: tuple[tuple[int, ...], ...]

    @classmethod
    def of(cls, legal: Iterable[Sequence[int]], others: Iterable[Sequence[int]]) -> Choices:
        """Choices among `legal` sequences, in the light of others."""
        mine = tuple(dict.fromkeys(tuple(one) for one in legal))
        return cls(mine, tuple(dict.fromkeys((*mine, *(tuple(one) for one in others)))))

    def after(self, said: Sequence[int]) -> frozenset[int]:
        """Tokens that may follow; empty when a sequence is complete."""
        return _next(self.legal, said)

    def parts(self, said: Sequence[int]) -> bool:
        """Whether more than one of all sequences goes on differently here."""
        return len(_next(self.all, said)) > 1


def _next(sequences: Iterable[tuple[int, ...]], said: Sequence[int]) -> frozenset[int]:
    count, known = len(said), tuple(said)
    return frozenset(one[count] for one in sequences if len(one) > count and one[:count] == known)
