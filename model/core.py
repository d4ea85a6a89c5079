"""The state of the engine and its steps; one thread owns it (see `model.engine`)."""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import TypeAlias

from torch import Tensor

from model.accept import NOT_FINITE, accept_tokens, draws_of, not_finite, sample_finite
from model.cache.manager import KVCache
from model.cache.sequence import SequenceCache
from model.draft import DraftSettings, PromptLookup
from model.errors import EngineError, ModelError, PoolTooSmallError
from model.generation import Finish, Progress
from model.load import EngineStats
from model.plan import Row, StepPlan
from model.runner import StepRunner
from model.sampler import Draw, Sampler, sample
from model.scheduler import Scheduler, SchedulerSettings
from model.sequence import Sequence

Drawing: TypeAlias = tuple[Row, slice]
"""A row that is sampled, and its part of the logits of the step."""


@dataclass(frozen=True, slots=True)
class EngineLimits:
    """What the model can take: longest context, and ids below `vocabulary`."""

    context: int
    vocabulary: int


@dataclass(slots=True, eq=False)
class EngineCore:
    """Sequences, what they are doing, and the step that gets all of them on.

    `speculation` None turns prompt lookup off. `check` verifies the cache's
    books after each step (for tests).
    """

    runner: StepRunner
    cache: KVCache
    limits: EngineLimits
    settings: SchedulerSettings = field(default_factory=SchedulerSettings)
    speculation: DraftSettings | None = field(default_factory=DraftSettings)
    sampler: Sampler = sample
    check: bool = False
    stats: EngineStats = field(default_factory=EngineStats)
    scheduler: Scheduler = field(init=False)
    _sequences: dict[int, Sequence] = field(default_factory=dict)
    _progress: dict[int, Progress] = field(default_factory=dict)
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

    def begin(self, sequence: Sequence, progress: Progress) -> None:
        """Start sampling."""
        self._refuse_if_broken()
        self._refuse_unfit(len(sequence.ids) + progress.room)
        self._progress[sequence.number] = progress
        sequence.sampling = True
        sequence.room = progress.room
        progress.steps_at_start = sequence.counters.steps
        for token in progress.request.forced:
            progress.push(sequence.ids, token, None, self.limits.context)
        sequence.room = progress.room
        self.scheduler.add(sequence)
        if sequence.cancelled:
            self.finish(sequence, "cancelled")

    def cancel(self, sequence: Sequence) -> None:
        """End what the sequence is doing, or what it will begin next."""
        sequence.cancelled = not self.busy(sequence)
        self.finish(sequence, "cancelled")

    def begin_prefill(self, sequence: Sequence, future: Future[None]) -> None:
        """Compute all ids but the last, whose logits will be asked for later."""
        self._refuse_if_broken()
        self._refuse_unfit(len(sequence.ids))
        sequence.target = len(sequence.ids) - 1
        if sequence.pending <= 0:
            future.set_result(None)
            return
        self._prefills[sequence.number] = future
        self.scheduler.add(sequence)

    def finish(self, sequence: Sequence, finish: Finish) -> None:
        """End what the sequence is doing, if anything, and hand out the result."""
        progress = self._retire(sequence)
        if progress is not None:
            progress.future.set_result(progress.result(finish, sequence.counters.steps))

    def fail(self, sequence: Sequence, error: Exception) -> None:
        """End what the sequence is doing with an error; its context is as before."""
        progress = self._retire(sequence, error)
        if progress is not None:
            del sequence.ids[progress.prompt_tokens :]
            self.cache.truncate(sequence.cache, max(0, progress.prompt_tokens - 1))
            progress.future.set_exception(error)

    def _retire(self, sequence: Sequence, error: Exception | None = None) -> Progress | None:
        self.scheduler.remove(sequence)
        sequence.cancelled = sequence.cancelled and not self.busy(sequence)
        sequence.sampling = False
        sequence.target = 0
        prefill = self._prefills.pop(sequence.number, None)
        if prefill is not None:
            if error is None:
                prefill.set_result(None)
            else:
                prefill.set_exception(error)
        return self._progress.pop(sequence.number, None)

    def _refuse_if_broken(self) -> None:
        if self._broken is not None:
            raise EngineError(f"the engine has stopped ({self._broken}); start a new one")

    def _refuse_unfit(self, tokens: int) -> None:
        tokens = min(tokens, self.limits.context)
        if not self.cache.fits_alone(tokens, self.settings.chunk):
            raise PoolTooSmallError(
                f"a sequence of {tokens} tokens does not fit the KV pages "
                f"({[pool.pages for pool in self.cache.pools]} of {self.cache.page_size} tokens); "
                "give the engine more KV memory or ask for a shorter context"
            )

    def step(self) -> None:
        """Plan, run, sample, book."""
        plan = self.scheduler.plan()
        if not plan.rows:
            if not self._found_in_cache():
                self._nobody_fits()
            return
        drawing, draws = self._draws(plan)
        try:
            launched = self.runner.launch(plan, draws)
            logits = self.runner.run(plan) if launched is None else launched.logits
        except Exception as error:  # noqa: BLE001 (every waiting caller must hear of it)
            self._break(error)
            return
        self._book(plan)
        try:
            tokens = (
                sample_finite(logits, draws, self.sampler) if launched is None else launched.ids()
            )
        except Exception as error:  # noqa: BLE001 (the same: a device fails when it is waited for)
            self._break(error)
            return
        self._accept(drawing, logits, tokens)
        if self.check:
            self.cache.check()

    def _found_in_cache(self) -> bool:
        """End prefills that admission found computed already; False if there is none."""
        found = [s for s in self.scheduler.running if not s.sampling and s.pending <= 0]
        for sequence in found:
            self.finish(sequence, "stop")
        return bool(found)

    def _nobody_fits(self) -> None:
        candidates = (*self.scheduler.running, *self.scheduler.waiting)
        self.fail(
            candidates[0],
            PoolTooSmallError(
                "no KV pages are left for this sequence; close sessions, or give the engine "
                "more KV memory"
            ),
        )

    def _break(self, error: Exception) -> None:
        self._broken = error
        wrapped = (
            error
            if isinstance(error, ModelError)
            else EngineError(
                f"the engine's device failed: {type(error).__name__}: {error}; start a new engine"
            )
        )
        for sequence in list(self._sequences.values()):
            self.fail(sequence, wrapped)

    def _draws(self, plan: StepPlan) -> tuple[list[Drawing], list[Draw]]:
        """Which logits are sampled for whom, and how each is."""
        drawing: list[Drawing] = []
        draws: list[Draw] = []
        offset = 0
        for row in plan.rows:
            if row.logits:
                progress = self._progress[row.sequence]
                draws += draws_of(row, progress, len(self._sequences[row.sequence].ids))
                drawing.append((row, slice(offset, offset + row.logits)))
            offset += row.logits
        return drawing, draws

    def _book(self, plan: StepPlan) -> None:
        """What is certain before a token is known; a device computes the step meanwhile."""
        self.stats.steps += 1
        self.stats.tokens += plan.tokens
        self.stats.moves += len(plan.moves)
        for row in plan.rows:
            sequence = self._sequences[row.sequence]
            self._count(sequence, row)
            self.cache.commit(
                sequence.cache, len(row.tokens) - max(0, row.logits - 1), sequence.ids
            )
            if not sequence.sampling and sequence.pending <= 0:
                self.finish(sequence, "stop")

    def _accept(self, drawing: list[Drawing], logits: Tensor, tokens: list[int]) -> None:
        """Let each sequence take of its tokens what is its own."""
        for row, part in drawing:
            sequence, progress = self._sequences[row.sequence], self._progress[row.sequence]
            if NOT_FINITE in tokens[part]:
                self.fail(sequence, not_finite(row))
                continue
            before = sequence.counters.decoded
            kept = accept_tokens(
                sequence, progress, row, logits[part], tokens[part], self.limits.context
            )
            self.stats.decoded += sequence.counters.decoded - before
            sure = len(row.tokens) - row.logits + 1
            self.cache.commit(sequence.cache, kept - sure, sequence.ids)
            if progress.finish is not None:
                self.finish(sequence, progress.finish)

    def _count(self, sequence: Sequence, row: Row) -> None:
        counters = sequence.counters
        counters.steps += 1
        progress = self._progress.get(sequence.number)
        prompt = len(sequence.ids) if progress is None else progress.prompt_tokens
        as_input = max(0, min(row.start + len(row.tokens), prompt) - row.start)
        counters.prefilled += as_input
        self.stats.prefilled += as_input
        if progress is not None:
            progress.prefilled += as_input
        end = row.start + len(row.tokens) - max(0, row.logits - 1)  # drafts may yet be wrong
        counters.recomputed += max(0, min(end, sequence.computed_once) - row.start)
        sequence.computed_once = max(sequence.computed_once, end)
