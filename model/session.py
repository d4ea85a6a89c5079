"""One conversation with the model: its token ids and their keys and values."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from model.cache.dense import DenseCache
from model.device import memory_of
from model.errors import ContextOverflowError, SamplingError, SessionError, TokenIdError
from model.sampler import Sampling, choose
from model.stops import StopWatcher
from model.transformer import Transformer

Finish = Literal["stop", "length", "cancelled"]

_PREFILL_CHUNK = 512


@dataclass(frozen=True, slots=True)
class Generation:
    """One generated answer.

    `ids` are the sampled tokens, a stop token included; `text` is what they
    say, control tokens hidden. `cached` of the `prompt_tokens` before the
    answer needed no computation, `prefilled` did.
    """

    ids: tuple[int, ...]
    text: str
    finish: Finish
    prompt_tokens: int
    cached: int
    prefilled: int


class Session:
    """Keeps keys and values between turns: every token is computed once.

    The context only grows. Noise is drawn by (seed, position), so a session
    that is given the same ids answers the same. `cancel` may be called from
    any thread; everything else belongs to one thread at a time.
    """

    def __init__(
        self,
        transformer: Transformer,
        *,
        sampling: Sampling,
        seed: int = 0,
        chunk: int = _PREFILL_CHUNK,
    ) -> None:
        if chunk < 1:
            raise SessionError(f"chunk is {chunk}; expected at least 1 token")
        self._transformer = transformer
        self._sampling = sampling
        self._seed = seed
        self._chunk = chunk
        self._ids: list[int] = []
        self._cache: DenseCache | None = DenseCache(
            transformer.config, transformer.device, transformer.dtype
        )
        self._cancelled = threading.Event()

    @property
    def ids(self) -> tuple[int, ...]:
        """The whole context."""
        return tuple(self._ids)

    @property
    def last_id(self) -> int | None:
        """The last token of the context, None while it is empty."""
        return self._ids[-1] if self._ids else None

    def append(self, ids: Sequence[int]) -> None:
        """Add tokens to the context; they are computed when the next answer is generated.

        Raises TokenIdError or ContextOverflowError, and then adds nothing.
        """
        self._open_cache()
        config = self._transformer.config
        for token in ids:
            if not 0 <= token < config.vocabulary:
                raise TokenIdError(
                    f"token id {token} is outside the vocabulary of {config.vocabulary}; "
                    "use the tokenizer of this checkpoint"
                )
        if (total := len(self._ids) + len(ids)) > config.context:
            raise ContextOverflowError(
                f"the conversation would take {total} tokens, the model holds {config.context}; "
                "shorten the task or the tool output"
            )
        self._ids.extend(ids)

    def generate(self, max_tokens: int, watcher: StopWatcher) -> Generation:
        """Sample until the watcher stops, the limit or the context is reached, or `cancel`.

        After "cancelled" or "length" the session can go on from where it is.
        On an error the context is as before the call.
        """
        cache = self._open_cache()
        self._check_room(max_tokens)
        start, cached = len(self._ids), cache.length
        finish: Finish = "length"
        try:
            for _ in range(min(max_tokens, self._transformer.config.context - start)):
                with memory_of(self._transformer.device, "the conversation"):
                    logits = self._compute(cache)
                if logits is None:
                    finish = "cancelled"
                    break
                token = choose(logits, self._sampling, seed=self._seed, position=len(self._ids))
                self._ids.append(token)
                if watcher.push(token):
                    finish = "stop"
                    break
        except BaseException:
            del self._ids[start:]
            cache.truncate(start - 1)  # the next answer needs the logits of the last token
            raise
        finally:
            self._cancelled.clear()
        return Generation(
            ids=tuple(self._ids[start:]),
            text=watcher.finish(),
            finish=finish,
            prompt_tokens=start,
            cached=cached,
            prefilled=min(cache.length, start) - cached,
        )

    def cancel(self) -> None:
        """End the running `generate` before its next step; if none runs, the next one at once."""
        self._cancelled.set()

    def close(self) -> None:
        """Free keys and values; the session cannot be used afterwards."""
        self._cache = None

    def _compute(self, cache: DenseCache) -> Tensor | None:
        """Run the tokens not yet in the cache; logits (vocabulary,) or None if cancelled."""
        logits: Tensor | None = None
        while cache.length < len(self._ids):
            if self._cancelled.is_set():
                return None
            chunk = self._ids[cache.length : cache.length + self._chunk]
            ids = torch.tensor(chunk, device=self._transformer.device)
            logits = self._transformer.logits(ids, cache)[0]
        return logits

    def _check_room(self, max_tokens: int) -> None:
        if max_tokens < 1:
            raise SamplingError(f"max_tokens is {max_tokens}; expected at least 1")
        if not self._ids:
            raise SessionError("the context is empty; append a prompt before generating")
        if len(self._ids) >= self._transformer.config.context:
            raise ContextOverflowError(
                f"all {self._transformer.config.context} tokens of the context are used; "
                "start a new conversation"
            )

    def _open_cache(self) -> DenseCache:
        if self._cache is None:
            raise SessionError("the session is closed; open a new one")
        return self._cache
