"""One conversation with the model, owned by whoever holds it.

Keys and values stay while a tool runs; only when pages are short does the
engine move those of resting sessions to the host, and back when they go on.
Methods may be called from any thread, one at a time for each session (`cancel`
and `close` at any time). A mask, stop watcher or on_token may call these two
only, of any session; they take effect after the step.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace

from model.engine.engine import Engine
from model.engine.generation import (
    Generation,
    GenerationState,
    Request,
    TokenLogprob,
    Watcher,
)
from model.engine.sequence import Counters
from model.engine.sequence import Sequence as EngineSequence
from model.errors import ContextOverflowError, SessionError
from model.kvcache.sequence_cache import SequenceCache
from model.step.checks import token_ids, whole
from model.step.sampler import substream


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A point of a session to come back to: its ids, and pages that it keeps until released."""

    ids: tuple[int, ...]
    cache: SequenceCache


class Session:
    """The context and its keys and values; it only grows, except by `rollback`."""

    def __init__(self, engine: Engine, *, job: str = "", stream: int = 0) -> None:
        """`job` groups sessions for fair scheduling; `stream` names the sampling noise."""
        self._engine = engine
        self._stream = whole("stream", stream)
        self._forks = 0
        self._sequence: EngineSequence | None = engine.ask(lambda: engine.core.open(job))

    @property
    def ids(self) -> tuple[int, ...]:
        """The whole context."""
        return tuple(self._open().ids)

    @property
    def last_id(self) -> int | None:
        """The last token of the context, None while it is empty."""
        ids = self._open().ids
        return ids[-1] if ids else None

    @property
    def vocabulary(self) -> int:
        """How many token ids the model knows."""
        return self._engine.limits.vocabulary

    @property
    def counters(self) -> Counters:
        """What the session has cost so far (a copy)."""
        sequence = self._open()
        return replace(sequence.counters, swapped_in=sequence.cache.fetched)

    def append(self, ids: Sequence[int]) -> None:
        """Add tokens; they are computed when needed.

        Raises TokenIdError or ContextOverflowError, and then adds nothing.
        """
        sequence = self._resting()
        new = self._check_ids(ids)
        limits = self._engine.limits
        if (total := len(sequence.ids) + len(new)) > limits.context:
            raise ContextOverflowError(
                f"the conversation would take {total} tokens, the model holds {limits.context}; "
                "shorten the task or the tool output"
            )
        self._engine.ask(lambda: sequence.ids.extend(new))

    def prefill(self) -> Future[None]:
        """Compute what was appended, without sampling: before a fork, or while time is cheap."""
        sequence, future = self._resting(), Future[None]()
        self._engine.ask(lambda: self._engine.core.begin_prefill(sequence, future))
        return future

    def generate(
        self,
        request: Request,
        watcher: Watcher,
        on_token: Callable[[int], None] | None = None,
        on_logprob: Callable[[TokenLogprob], None] | None = None,
    ) -> Future[Generation]:
        """Sample an answer; its tokens become part of the context.

        `on_token` is called in the engine's thread with each new id, after
        `on_logprob` where logprobs are asked for. After
        "length" or "cancelled" the session can go on from where it is. The
        future raises a ModelError when the answer failed, CallbackError where a
        function given here was the cause; the context is then as before.
        """
        sequence = self._resting()
        budget = request.think_budget
        self._check_ids((*request.forced, *(budget.close_ids if budget else ())))
        if not sequence.ids:
            raise SessionError("the context is empty; append a prompt before generating")
        if len(sequence.ids) >= self._engine.limits.context:
            raise ContextOverflowError(
                f"all {self._engine.limits.context} tokens of the context are used; "
                "start a new conversation"
            )
        future: Future[Generation] = Future()
        progress = GenerationState(
            request, watcher, self._stream, len(sequence.ids), future, on_token, on_logprob
        )
        self._engine.ask(lambda: self._engine.core.begin(sequence, progress))
        return future

    def fork(self, count: int = 1) -> list[Session]:
        """Sessions with the same context that share its pages; each draws noise of its own."""
        sequence = self._resting()
        twins = []
        for _ in range(count):
            self._forks += 1
            twin = Session.__new__(Session)
            twin._engine = self._engine
            twin._stream = substream(self._stream, self._forks)
            twin._forks = 0
            twin._sequence = self._engine.ask(lambda: self._engine.core.fork(sequence))
            twins.append(twin)
        return twins

    def checkpoint(self) -> Checkpoint:
        """Remember this point, keys and values included."""
        sequence = self._resting()
        cache = self._engine.ask(lambda: self._engine.core.cache.fork(sequence.cache))
        return Checkpoint(tuple(sequence.ids), cache)

    def rollback(self, to: Checkpoint | int) -> None:
        """Go back to a checkpoint of this session, or to a number of ids.

        A checkpoint stays valid. Going back to a bare number beyond what the
        window layers still hold costs a new prefill.
        """
        sequence = self._resting()
        if isinstance(to, Checkpoint):
            ids, cache = list(to.ids), to.cache
        elif 0 <= to <= len(sequence.ids):
            ids, cache = sequence.ids[:to], None
        else:
            raise SessionError(
                f"cannot go back to {to} tokens, the session has {len(sequence.ids)}"
            )
        self._engine.ask(lambda: self._engine.core.rewind(sequence, ids, cache))

    def release(self, checkpoint: Checkpoint) -> None:
        """Give up a checkpoint."""
        cache = self._engine.core.cache
        self._engine.ask(lambda: cache.close(checkpoint.cache))

    def cancel(self) -> None:
        """End the running generation between two steps; what it has so far is its result.

        If none runs, the next one ends at once.
        """
        sequence = self._sequence
        if sequence is not None:
            self._engine.call(lambda: self._engine.core.cancel(sequence))

    def close(self) -> None:
        """Free everything; a running generation ends as cancelled."""
        sequence, self._sequence = self._sequence, None
        if sequence is not None:
            self._engine.send(lambda: self._engine.core.release(sequence))

    def _check_ids(self, ids: Sequence[int]) -> list[int]:
        """Python integers; raises TokenIdError: in a step it would be an error for all."""
        return token_ids(ids, self._engine.limits.vocabulary)

    def _open(self) -> EngineSequence:
        if self._sequence is None:
            raise SessionError("the session is closed; open a new one")
        return self._sequence

    def _resting(self) -> EngineSequence:
        sequence = self._open()
        if self._engine.core.busy(sequence):
            raise SessionError("the session is generating; wait for its result or cancel it")
        return sequence
