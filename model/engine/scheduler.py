"""Which tokens run in the next step. Pure Python over the cache's bookkeeping.

Each step first gives every running sequence that is decoding its next token
(and perhaps a draft to verify), then fills the token budget with prefill
chunks, taking turns between jobs, and admits waiting sequences as room allows.
So a long prompt never holds up those that decode. When pages run out, the
sequence admitted last steps back; the one admitted first always gets on, so
something finishes and nothing dead-locks.

What two prompts have in common at their beginning is computed once: the one
that comes second waits until the first has that part, then finds it in the
cache. So samples of one issue cost one prefill: who finds its whole prompt there begins
with the logits that it ended with (see `model.kvcache.prompt_ends`).
"""

from __future__ import annotations

from array import array
from collections import deque
from dataclasses import dataclass

from model.engine.sequence import Leader, Sequence
from model.kvcache.manager import KVCache
from model.kvcache.prefix import common
from model.kvcache.prompt_ends import PromptEnds
from model.step.plan import PageSpan, Row, StepPlan


@dataclass(frozen=True, slots=True)
class SchedulerSettings:
    """`token_budget` tokens a step in all, at most `chunk` of one prompt, `max_rows` rows.

    `verify_budget` bounds the draft tokens of a step. A waiting sequence that
    did not fit `max_passed_over` times is no longer overtaken by smaller ones.
    `aligned` cuts prompts at multiples of `chunk`, whatever is left of the
    budget, and lets nobody begin with pages that another session computed: what
    is computed together then depends on the sequence alone.
    """

    token_budget: int = 512
    chunk: int = 256
    max_rows: int = 64
    verify_budget: int = 64
    max_passed_over: int = 64
    aligned: bool = False


class Scheduler:
    """Keeps who waits and who runs, and turns it into plans."""

    def __init__(self, cache: KVCache, settings: SchedulerSettings) -> None:
        self._cache = cache
        self._settings = settings
        self._waiting: deque[Sequence] = deque()
        self._running: list[Sequence] = []
        self._served: dict[str, int] = {}
        self.ends = PromptEnds()
        self.cached = 0
        """Tokens that sequences found in the prefix cache."""

    @property
    def idle(self) -> bool:
        """Whether nobody wants anything."""
        return not self._waiting and not self._running

    @property
    def running(self) -> tuple[Sequence, ...]:
        """Sequences with pages, in the order of their admission."""
        return tuple(self._running)

    @property
    def waiting(self) -> tuple[Sequence, ...]:
        """Sequences without pages, next first."""
        return tuple(self._waiting)

    def add(self, sequence: Sequence) -> None:
        """The sequence has something to do."""
        self._served.setdefault(sequence.job, min(self._served.values(), default=0))
        self._waiting.append(sequence)

    def remove(self, sequence: Sequence) -> None:
        """The sequence has nothing to do any more; its pages stay until somebody needs them."""
        if sequence in self._running:
            self._running.remove(sequence)
        elif sequence in self._waiting:
            self._waiting.remove(sequence)
        self._cache.park(sequence.cache)
        if not any(other.job == sequence.job for other in (*self._running, *self._waiting)):
            self._served.pop(sequence.job, None)

    def plan(self) -> StepPlan:
        """The next step; without rows only when nobody can get on alone."""
        rows: dict[int, Row] = {}
        budget = self._settings.token_budget
        budget -= self._plan_decodes(rows, budget)
        budget -= self._plan_prefills(rows, budget)
        while budget > 0 and len(rows) < self._settings.max_rows and self._admit():
            admitted = self._running[-1]
            budget -= self._plan_row(admitted, rows, budget)
            if admitted not in self._running:
                break  # there was room for one token, but not for its chunk
        # A plan without rows is not carried out: its moves wait for the next one.
        return StepPlan(self._cache.take_moves() if rows else (), tuple(rows.values()))

    def _plan_decodes(self, rows: dict[int, Row], budget: int) -> int:
        """Rows for all that decode, longest unserved first; returns the tokens used."""
        decoding = [s for s in self._running if s.sampling and s.pending == 1]
        if len(decoding) > self._settings.max_rows:
            decoding.sort(key=lambda s: s.counters.steps)
            decoding = decoding[: self._settings.max_rows]
        spare = min(budget - len(decoding), self._settings.verify_budget)
        share = max(0, spare // max(1, len(decoding)))
        used = 0
        for sequence in decoding:
            if sequence not in self._running:
                continue  # stepped back for an older one
            draft = self._draft(sequence, share)
            used += self._take(sequence, (sequence.ids[-1], *draft), 1 + len(draft), rows)
        return used

    def _draft(self, sequence: Sequence, share: int) -> tuple[int, ...]:
        """A guess that leaves room for the token sampled after it."""
        if sequence.draft is None:
            return ()
        return sequence.draft.propose(sequence.ids, min(share, sequence.room - 1))

    def _plan_prefills(self, rows: dict[int, Row], budget: int) -> int:
        """Chunks of prompts, the job served least first; returns the tokens used."""
        used = 0
        prompts = [s for s in self._running if s.number not in rows and s.pending > 0]
        prompts = [s for s in prompts if not s.sampling or s.pending > 1]
        for sequence in sorted(prompts, key=lambda s: self._served.get(s.job, 0)):
            if used >= budget or len(rows) >= self._settings.max_rows:
                break
            if sequence in self._running:
                used += self._plan_row(sequence, rows, budget - used)
        return used

    def _plan_row(self, sequence: Sequence, rows: dict[int, Row], budget: int) -> int:
        """One chunk of what is pending."""
        start, chunk = sequence.cache.length, self._settings.chunk
        tokens = min(sequence.pending, budget, chunk)
        if tokens <= 0:
            return 0
        if self._settings.aligned:
            tokens = min(sequence.pending, chunk - start % chunk)
        logits = int(sequence.sampling and tokens == sequence.pending)
        ids = tuple(sequence.ids[start : start + tokens])
        return self._take(sequence, ids, logits, rows)

    def _take(
        self, sequence: Sequence, tokens: tuple[int, ...], logits: int, rows: dict[int, Row]
    ) -> int:
        """Reserve pages for a row, letting the newest sequences step back if need be."""
        cache = sequence.cache
        while not self._cache.reserve(cache, len(tokens)):
            if len(tokens) > 1 and logits > 1:
                tokens, logits = tokens[:1], 1  # a draft is worth no eviction
                continue
            if not self._step_back(sequence, rows):
                return 0
        spans = tuple(PageSpan(t.first, array("i", t.pages)) for t in cache.tables)
        rows[sequence.number] = Row(sequence.number, cache.length, tokens, logits, spans)
        self._served[sequence.job] = self._served.get(sequence.job, 0) + len(tokens)
        return len(tokens)

    def _step_back(self, sequence: Sequence, rows: dict[int, Row]) -> bool:
        """Free pages for `sequence`; False when it cannot run in this step.

        The newest sequence admitted after it and not yet planned is parked, or
        else `sequence` itself, unless it is the oldest.
        """
        place = self._running.index(sequence)
        newer = [s for s in self._running[place + 1 :] if s.number not in rows]
        if not newer and place == 0:
            return False
        victim = newer[-1] if newer else sequence
        self._running.remove(victim)
        self._waiting.appendleft(victim)
        self._cache.park(victim.cache)
        return victim is not sequence

    def _admit(self) -> bool:
        """Give pages to a waiting sequence, the job served least first; False if none fits.

        One that does not fit is passed over, but not for ever.
        """
        for sequence in sorted(self._waiting, key=lambda s: self._served.get(s.job, 0)):
            if self._follows(sequence):
                continue
            if self._try_admit(sequence):
                self._waiting.remove(sequence)
                self._running.append(sequence)
                sequence.passed_over = 0
                return True
            sequence.passed_over += 1
            if sequence.passed_over > self._settings.max_passed_over:
                return False
        return False

    def _follows(self, sequence: Sequence) -> bool:
        """Whether a running sequence is about to compute a beginning that this one can adopt.

        A leader runs, so it gets on or steps back; either way nobody waits for ever.
        """
        if sequence.cache.length or self._settings.aligned:
            return False
        if sequence.leader is None or not self._leads(sequence.leader):
            found = (self._leader(sequence, other) for other in self._running)
            leaders = [leader for leader in found if leader is not None]
            sequence.leader = max(leaders, key=lambda leader: leader.length, default=None)
        return sequence.leader is not None

    def _leads(self, leader: Leader) -> bool:
        """Whether the part is still to come, and will come."""
        running = leader.sequence in self._running and leader.sequence.pending > 0
        return running and leader.sequence.cache.length < leader.length

    def _leader(self, sequence: Sequence, other: Sequence) -> Leader | None:
        """The other, if it stands in a part of a page or more that both share, with its end."""
        size = self._cache.page_size
        mine, theirs = sequence.ids, other.ids
        most = min(len(mine), other.cache.length + other.pending)
        low, high = other.cache.length // size + 1, most // size
        here = slice((low - 1) * size, low * size)
        # Its next page differs for nearly every pair: that is cheap to see.
        if low > high or mine[here] != theirs[here] or mine[: low * size] != theirs[: low * size]:
            return None
        while low < high:  # the largest number of pages with equal ids
            middle = (low + high + 1) // 2
            if mine[: middle * size] == theirs[: middle * size]:
                low = middle
            else:
                high = middle - 1
        end = low * size
        return Leader(
            other, end + common(mine[end : min(most, end + size)], theirs[end : end + size])
        )

    def _try_admit(self, sequence: Sequence) -> bool:
        if sequence.cache.length == 0 and not self._settings.aligned:
            self._adopt(sequence)
        if self._cache.activate(sequence.cache):
            if self._cache.reserve(sequence.cache, 1):
                return True
            self._cache.park(sequence.cache)
        if sequence.end is not None:
            sequence.end = None  # its last token is run, whoever else has it
            self._cache.truncate(sequence.cache, len(sequence.ids) - 1)
        return False

    def _adopt(self, sequence: Sequence) -> None:
        """Begin with what is known; one token is left to run unless logits are known, too."""
        ids = sequence.ids
        end = self.ends.find(ids) if sequence.sampling else None
        found = self._cache.match(sequence.cache, ids, len(ids) - (end is None))
        if found == len(ids):
            sequence.end = end
        elif end is not None:
            self.ends.forget(ids)
        sequence.counters.cached += found
        self.cached += found
