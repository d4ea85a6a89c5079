"""Answers that must follow a grammar: masks by llguidance, from the end of the thought on."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from cwm_agent.server.engine.compiling import compiled
from cwm_agent.server.engine.messages import Ends, Grammar
from model.errors import SamplingError
from model.text.chat import THINK_CLOSE
from model.text.tokenizer import Tokenizer

if TYPE_CHECKING:
    from llguidance import LLMatcher, LLTokenizer

Mask = Callable[[Sequence[int]], Tensor | None]
_REACH = 12  # tokens in which the end of a thought is looked for


class Grammars:
    """Makes masks for one vocabulary; the tokenizer's tables are built on first need."""

    def __init__(self, tokenizer: Tokenizer, vocabulary: int) -> None:
        self._tokenizer = tokenizer
        self._vocabulary = vocabulary
        self._tables: LLTokenizer | None = None

    def mask(self, grammar: Grammar, ends: Ends) -> Mask:
        """A mask for one answer; raises SamplingError for a grammar that cannot be used."""
        from llguidance import LLMatcher

        matcher = LLMatcher(self._prepared(), compiled(grammar), log_level=0)
        if matcher.is_error():
            raise SamplingError(f"the grammar cannot be used: {matcher.get_error()}")
        _, closed, begun = ends.earlier.rpartition(THINK_CLOSE)
        thinking = ends.thinking and not closed
        seed = [] if thinking else self._tokenizer.encode_text(begun.lstrip())
        if not _accepts(matcher, seed):
            raise SamplingError("the answer that was begun does not follow the grammar")
        inside = torch.ones(self._vocabulary, dtype=torch.bool)
        inside[sorted(ends.ids)] = False  # the answer is to come
        for token, rest in self._crossings.items():
            inside[token] = _accepts(matcher, rest)
        return _Follower(self._tokenizer, matcher, ends.ids, inside, None if thinking else seed)

    @cached_property
    def _crossings(self) -> dict[int, list[int]]:
        return _crossings(self._tokenizer, self._vocabulary)

    def _prepared(self) -> LLTokenizer:
        if self._tables is None:
            from llguidance import LLTokenizer, TokenizerWrapper

            tables = TokenizerWrapper(_Tables(self._tokenizer, self._vocabulary))
            self._tables = LLTokenizer(tables)
        return self._tables


def _accepts(matcher: LLMatcher, ids: list[int]) -> bool:
    taken = matcher.try_consume_tokens(ids)
    matcher.rollback(taken)
    return bool(taken == len(ids))


def _crossings(tokenizer: Tokenizer, vocabulary: int) -> dict[int, list[int]]:
    """Tokens that end a thought and begin the answer, with what they begin it with."""
    found = {}
    for token in range(min(vocabulary, tokenizer.size)):
        text = tokenizer.token_bytes(token, specials=True).decode("utf-8", "replace")
        if begun := text.partition(THINK_CLOSE)[2].lstrip():
            found[token] = tokenizer.encode_text(begun)
    return found


class _Tables:
    """What llguidance wants to know of a tokenizer."""

    bos_token_id = None

    def __init__(self, tokenizer: Tokenizer, vocabulary: int) -> None:
        special = set(tokenizer.specials.values())
        self._tokenizer = tokenizer
        self.special_token_ids = sorted(special)
        ends = ("<|eot_id|>", "<|end_of_text|>")
        found = [t for name in ends if (t := tokenizer.find_special(name)) is not None]
        self.eos_token_id = found[0] if found else max(special, default=vocabulary - 1)
        self.tokens = [
            tokenizer.token_bytes(token, specials=True) if token < tokenizer.size else b""
            for token in range(vocabulary)
        ]

    def __call__(self, text: str | bytes) -> list[int]:
        plain = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
        return self._tokenizer.encode_text(plain)


class _Follower:
    """Holds the grammar's state at one place of the answer, and goes on or back from there."""

    def __init__(
        self,
        tokenizer: Tokenizer,
        matcher: LLMatcher,
        end_ids: Collection[int],
        inside: Tensor,
        seed: list[int] | None,
    ) -> None:
        """`seed` is what the answer was begun with, None where a thought comes first, in which
        the tokens `inside` are allowed."""
        self._tokenizer = tokenizer
        self._matcher: Any = matcher
        self._end_ids = sorted(end_ids)
        self._inside = inside
        self._start: int | None = None if seed is None else 0  # of what follows the grammar
        self._seed: list[int] = seed or []
        self._mark: tuple[int, ...] = ()  # what stands before it
        self._seen: list[int] = []

    def __call__(self, ids: Sequence[int]) -> Tensor | None:
        """See model.engine.generation.TokenMask."""
        if self._start and self._before(ids, self._start) != self._mark:
            self._start = None  # a guess that the thought would end was wrong
            self._follow([])
        if self._start is None:
            self._mark = self._before(ids, len(ids))
            _, closed, begun = self._tokenizer.decode(self._mark, specials=True).partition(
                THINK_CLOSE
            )
            if not closed:
                return self._inside
            self._start, self._seed = len(ids), self._tokenizer.encode_text(begun.lstrip())
        self._follow([*self._seed, *ids[self._start :]])
        return self._allowed()

    @staticmethod
    def _before(ids: Sequence[int], place: int) -> tuple[int, ...]:
        return tuple(ids[max(0, place - _REACH) : place])

    def _follow(self, rest: list[int]) -> None:
        seen = self._seen
        pairs = enumerate(zip(rest, seen, strict=False))
        common = next((i for i, (a, b) in pairs if a != b), min(len(rest), len(seen)))
        if len(seen) > common:
            self._matcher.rollback(len(seen) - common)
        for token in rest[common:]:
            self._matcher.consume_token(token)
        self._seen = rest

    def _allowed(self) -> Tensor:
        bits = torch.frombuffer(bytearray(self._matcher.compute_bitmask()), dtype=torch.uint8)
        shifts = torch.arange(8, dtype=torch.uint8)
        allowed = ((bits[:, None] >> shifts) & 1).bool().flatten()
        out = torch.zeros_like(self._inside)
        count = min(len(out), len(allowed))
        out[:count] = allowed[:count]
        if self._matcher.is_accepting() or not out.any():
            out[self._end_ids] = True
        return out
