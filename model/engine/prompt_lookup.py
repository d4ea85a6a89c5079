"""Prompt lookup: guess the next tokens by finding the last ones earlier in the same session.

Agents copy: a search block repeats a file listing, a test command repeats an
earlier one. A guess costs nothing to make; it is kept only where it equals the
token that would have been sampled anyway, so the output never changes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class DraftSettings:
    """`ngram` ids must agree before a guess is made; guesses are at most `longest` tokens.

    After `misses_before_sleep` tokens without a hit the drafter sleeps for `sleep` tokens.
    """

    ngram: int = 4
    longest: int = 16
    shortest: int = 2
    misses_before_sleep: int = 3
    sleep: int = 16


@dataclass(slots=True)
class PromptLookup:
    """The drafter of one session; `length` adapts to how much of the guesses was right."""

    settings: DraftSettings
    length: int = 4
    misses: int = 0
    resume_at: int = 0
    _indexed: int = 0
    _ends: dict[tuple[int, ...], int] = field(default_factory=dict)

    def propose(self, ids: Sequence[int], limit: int) -> tuple[int, ...]:
        """Up to `limit` tokens that may follow `ids`; empty when there is no good guess."""
        n = self.settings.ngram
        if limit <= 0 or len(ids) < self.resume_at or len(ids) <= n:
            return ()
        self._index(ids, len(ids) - 1)
        end = self._ends.get(tuple(ids[-n:]))
        if end is None:
            return ()
        return tuple(ids[end : end + min(limit, self.length)])

    def learn(self, ids_length: int, proposed: int, accepted: int) -> None:
        """Adapt after a guess of `proposed` tokens of which `accepted` were right."""
        if accepted == proposed:
            self.length = min(self.settings.longest, self.length * 2)
            self.misses = 0
        elif accepted * 2 >= proposed:
            self.misses = 0
        else:
            self.length = max(self.settings.shortest, self.length // 2)
            self.misses += accepted == 0
            if self.misses >= self.settings.misses_before_sleep:
                self.misses = 0
                self.resume_at = ids_length + self.settings.sleep

    def truncate(self, length: int) -> None:
        """The session forgot its ids from `length` on."""
        if length < self._indexed:
            self._indexed = 0
            self._ends.clear()
        self.resume_at = min(self.resume_at, length)

    def fork(self) -> PromptLookup:
        """An independent copy for a twin session."""
        return PromptLookup(
            self.settings, self.length, self.misses, self.resume_at, self._indexed, dict(self._ends)
        )

    def _index(self, ids: Sequence[int], upto: int) -> None:
        """Remember where each n-gram that ends at or before `upto` ended last."""
        n = self.settings.ngram
        for end in range(max(n, self._indexed + 1), upto + 1):
            self._ends[tuple(ids[end - n : end])] = end
        self._indexed = max(self._indexed, upto)
