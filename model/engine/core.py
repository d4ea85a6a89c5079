"""The state of the engine and its steps; one thread owns it (see `model.engine`)."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field

from torch import Tensor

from model.engine.accept import (
    Drawing,
    accept_tokens,
    count_row,
    device_failure,
    draws_of,
    not_finite,
    sample_finite,
)
from model.engine.generation import Finish, GenerationState
from model.engine.outbox import Outbox
from model.engine.prompt_lookup import DraftSettings, PromptLookup
from model.engine.scheduler import Scheduler, SchedulerSettings
from model.engine.sequence import Sequence
from model.errors import EngineError, ModelError, PoolTooSmallError, SessionError
from model.kvcache.manager import KVCache
from model.kvcache.sequence_cache import SequenceCache
from model.runner.runner import StepRunner
from model.stats import EngineCounters
from model.step.plan import Row, StepPlan
from model.step.sampler import NOT_FINITE, Draw, Sampler, sample


@dataclass(frozen=True, slots=True)
class EngineLimits:
    """What the model can take: longest context, and ids below `vocabulary`."""

    context: int
    vocabulary: int


@dataclass(slots=True, eq=False)
class EngineCore:
    """Sequences, what they are doing, and the step that gets all of them on.

    `speculation` None turns prompt lookup off. `check` verifies the cache's
    books after each step (for tests). `serving` is the sequence whose owner's
    functions may be running now; meanwhile nobody else may change anything.
    `outbox` holds results until `outbox.deliver` is called between two steps.
    """

    runner: StepRunner
    cache: KVCache
    limits: EngineLimits
    settings: SchedulerSettings = field(default_factory=SchedulerSettings)
    speculation: DraftSettings | None = field(default_factory=DraftSettings)
    sampler: Sampler = sample
    check: bool = False
    stats: EngineCounters = field(default_factory=EngineCounters)
    outbox: Outbox = field(default_factory=Outbox)
    serving: Sequence | None = None
    served: int = 0
    scheduler: Scheduler = field(init=False)
    _sequences: dict[int, Sequence] = field(default_factory=dict)
    _progress: dict[int, GenerationState] = field(default_factory=dict)
    _prefills: dict[int, Future[None]] = field(default_factory=dict)
    _next_number: int = 0
    _broken: Exception | None = None

    def __post_init__(self) -> None:
        """The scheduler works on the same cache."""
        self.scheduler = Scheduler(self.cache, self.settings)

    def open(self, job: str) -> Sequence:
        """An empty sequence."""
        draft = PromptLookup(self.speculation) if self.speculation else None
        return self._adopt(Sequence(0, job, self.cache.new(), draft))

    def fork(self, sequence: Sequence) -> Sequence:
        """A resting twin that shares all pages."""
        self._require(sequence)
        draft = sequence.draft.fork() if sequence.draft else None
        twin = Sequence(0, sequence.job, self.cache.fork(sequence.cache), draft)
        twin.ids = list(sequence.ids)
        twin.computed_once = sequence.computed_once
        return self._adopt(twin)

    def _adopt(self, sequence: Sequence) -> Sequence:
        sequence.number = self._next_number
        self._next_number += 1
        self._sequences[sequence.number] = sequence
        return sequence

    def release(self, sequence: Sequence) -> None:
        """Forget a sequence and give its pages back."""
        self.finish(sequence, "cancelled")
        self.cache.close(sequence.cache)
        self._sequences.pop(sequence.number, None)

    def release_all(self) -> None:
        """Forget every sequence."""
        for sequence in list(self._sequences.values()):
            self.release(sequence)

    def rewind(self, sequence: Sequence, ids: list[int], cache: SequenceCache | None) -> None:
        """Put a resting sequence to `ids`; its content comes from `cache`, else from itself."""
        self._require(sequence)
        known = sequence.ids
        length = min(len(ids), len(known))
        common = next((i for i in range(length) if ids[i] != known[i]), length)
        sequence.ids = ids
        if cache is None:
            self.cache.truncate(sequence.cache, max(0, len(ids) - 1))
        else:
            self.cache.close(sequence.cache)
            sequence.cache = self.cache.fork(cache)
        if sequence.draft is not None:
            sequence.draft.truncate(common)
        sequence.computed_once = min(sequence.computed_once, common)

    def busy(self, sequence: Sequence) -> bool:
        """Whether it is sampling or being prefilled."""
        return sequence.number in self._progress or sequence.number in self._prefills

    def begin(self, sequence: Sequence, progress: GenerationState) -> None:
        """Start sampling."""
        self._require(sequence, len(sequence.ids) + progress.room)
        self.outbox.expect(progress.future)
        self._progress[sequence.number] = progress
        sequence.sampling = True
        progress.steps_at_start = sequence.counters.steps
        self.scheduler.add(sequence)
        with self._serve(sequence):
            progress.force(sequence.ids, progress.request.forced, self.limits.context)
        sequence.room = progress.room
        if sequence.cancelled or progress.finish is not None:
            self.finish(sequence, progress.finish or "cancelled")

    def cancel(self, sequence: Sequence) -> None:
        """End what the sequence is doing, or what it will begin next."""
        sequence.cancelled = not self.busy(sequence)
        self.finish(sequence, "cancelled")

    def begin_prefill(self, sequence: Sequence, future: Future[None]) -> None:
        """Compute all ids but the last, whose logits will be asked for later."""
        self._require(sequence, len(sequence.ids))
        self.outbox.expect(future)
        sequence.target = len(sequence.ids) - 1
        if sequence.pending <= 0:
            self.outbox.put(future, None)
            return
        self._prefills[sequence.number] = future
        self.scheduler.add(sequence)

    def finish(self, sequence: Sequence, finish: Finish) -> None:
        """End what the sequence is doing, if anything, and hand out the result."""
        progress = self._progress.get(sequence.number)
        if progress is not None:
            with self._serve(sequence):
                result = progress.result(finish, sequence.counters.steps)
                self.outbox.put(progress.future, result)
        self._retire(sequence)

    def fail(self, sequence: Sequence, error: Exception) -> None:
        """End what the sequence is doing with an error; its context is as before."""
        progress = self._progress.get(sequence.number)
        self._retire(sequence, error)
        if progress is not None:
            self.rewind(sequence, sequence.ids[: progress.prompt_tokens], None)
            self.outbox.put(progress.future, None, error)

    def _retire(self, sequence: Sequence, error: Exception | None = None) -> None:
        self.scheduler.remove(sequence)
        sequence.cancelled = sequence.cancelled and not self.busy(sequence)
        sequence.sampling = False
        sequence.target = 0
        self._progress.pop(sequence.number, None)
        prefill = self._prefills.pop(sequence.number, None)
        if prefill is not None:
            self.outbox.put(prefill, None, error)

    @contextmanager
    def _serve(self, sequence: Sequence) -> Iterator[None]:
        """What calls functions of the sequence's owner; their fault is the end of it alone."""
        outer, self.serving = self.serving, sequence
        self.served += 1
        try:
            yield
        except ModelError as error:
            self.fail(sequence, error)
        finally:
            self.serving = outer

    def _require(self, sequence: Sequence, tokens: int = 0) -> None:
        """Raise unless it is known (its threads may race), at rest, and may grow to `tokens`."""
        if sequence.number not in self._sequences:
            raise SessionError("the session is closed; open a new one")
        if self.busy(sequence):
            raise SessionError("the session is generating; wait for its result or cancel it")
        if tokens and self._broken is not None:
            raise EngineError(f"the engine has stopped ({self._broken}); start a new one")
        self.cache.require_fit(min(tokens, self.limits.context), self.settings.chunk)

    def step(self) -> None:
        """Plan, run, sample, book."""
        plan = self.scheduler.plan()
        known = self._begin_known()
        if not plan.rows:
            if not known:
                self._end_without_step()
            return
        drawing, draws = self._draws(plan.rows)
        try:
            launched = self.runner.launch(plan, draws)
            logits = self.runner.run(plan) if launched is None else launched.logits
            self._book(plan)  # a device fails when it is waited for, so behind this line, too
            tokens = launched.ids() if launched else sample_finite(logits, draws, self.sampler)
        except Exception as error:  # noqa: BLE001 (every waiting caller must hear of it)
            self._break(error)
            return
        self._accept(drawing, logits, tokens)
        if self.check:
            self.cache.check()

    def _begin_known(self) -> bool:
        """Sample answers whose first logits are known; no token has to be run for them."""
        known = [(s, s.end[None]) for s in self.scheduler.running if s.end is not None]
        for sequence, logits in known:
            sequence.end = None
            last = Row(sequence.number, len(sequence.ids) - 1, (sequence.ids[-1],), 1, ())
            drawing, draws = self._draws((last,))
            self._accept(drawing, logits, sample_finite(logits, draws, self.sampler))
        return bool(known)

    def _end_without_step(self) -> None:
        """Prefills that admission found computed already; without any, the first has no room."""
        found = [s for s in self.scheduler.running if not s.sampling and s.pending <= 0]
        for sequence in found:
            self.finish(sequence, "stop")
        if not found:
            first = (*self.scheduler.running, *self.scheduler.waiting)[0]
            text = "no KV pages are left for this sequence; close sessions, or give the engine "
            self.fail(first, PoolTooSmallError(f"{text}more KV memory"))

    def _break(self, error: Exception) -> None:
        self._broken = error
        for sequence in list(self._sequences.values()):
            self.fail(sequence, device_failure(error))

    def _draws(self, rows: tuple[Row, ...]) -> tuple[list[Drawing], list[Draw]]:
        """Which logits are sampled for whom, and how each is."""
        drawing: list[Drawing] = []
        draws: list[Draw] = []
        for row in rows:
            part = slice(len(draws), len(draws) + row.logits)
            if row.logits:
                sequence, progress = self._sequences[row.sequence], self._progress[row.sequence]
                with self._serve(sequence):
                    own, fault = draws_of(row, progress, len(sequence.ids), self.limits.vocabulary)
                draws += own
                drawing.append(Drawing(row, part, fault))
        return drawing, draws

    def _book(self, plan: StepPlan) -> None:
        """What is certain before a token is known; a device computes the step meanwhile."""
        self.stats.steps += 1
        self.stats.tokens += plan.tokens
        self.stats.moves += len(plan.moves)
        for row in plan.rows:
            sequence = self._sequences[row.sequence]
            count_row(sequence, row, self._progress.get(row.sequence), self.stats)
            sure = len(row.tokens) - max(0, row.logits - 1)
            self.cache.commit(sequence.cache, sure, sequence.ids)
            if not sequence.sampling and sequence.pending <= 0:
                self.finish(sequence, "stop")

    def _accept(self, drawing: list[Drawing], logits: Tensor, tokens: list[int]) -> None:
        """Let each sequence take of its tokens what is its own."""
        for drawn in drawing:
            sequence = self._sequences[drawn.row.sequence]
            with self._serve(sequence):
                self._take(sequence, drawn, logits[drawn.part], tokens[drawn.part])

    def _take(self, sequence: Sequence, drawn: Drawing, logits: Tensor, tokens: list[int]) -> None:
        """Raises what is this sequence's error."""
        row, progress = drawn.row, self._progress[sequence.number]
        if NOT_FINITE in tokens:
            raise not_finite(row)
        before = sequence.counters.decoded
        if not before and not self.settings.aligned:
            self.scheduler.ends.keep(sequence.ids, logits[0])  # others may begin likewise
        kept = accept_tokens(
            sequence, progress, row, logits, tokens, self.limits.context, drawn.fault
        )
        self.stats.decoded += sequence.counters.decoded - before
        sure = len(row.tokens) - row.logits + 1
        self.cache.commit(sequence.cache, kept - sure, sequence.ids)
        if progress.finish is not None:
            self.finish(sequence, progress.finish)
