"""Answers in the making, in the engine's process. All of it runs in the engine's thread."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass

from cwm_agent.server.engine.biases import bias_of
from cwm_agent.server.engine.grammar import Grammars
from cwm_agent.server.engine.kept import KeptSessions
from cwm_agent.server.engine.messages import (
    Ask,
    Done,
    Event,
    Failed,
    FailureKind,
    Logprob,
    Seen,
    Token,
)
from model.engine.engine import Engine
from model.engine.generation import Generation, Request, ThinkBudget, TokenLogprob
from model.engine.session import Session
from model.errors import (
    ContextOverflowError,
    EngineError,
    ModelError,
    PoolTooSmallError,
)
from model.step.sampler import Sampling, substream
from model.text.stops import StopRules, StopWatcher
from model.text.tokenizer import Tokenizer


@dataclass(slots=True)
class _Running:
    ask: Ask
    session: Session
    logprob: Logprob | None = None
    unwanted: bool = False


class Answers:
    """Begins, follows and ends answers; `tell` takes events, from the engine's thread."""

    def __init__(
        self,
        engine: Engine,
        tokenizer: Tokenizer,
        kept: KeptSessions,
        tell: Callable[[Event], None],
    ) -> None:
        self._engine = engine
        self._tokenizer = tokenizer
        self._kept = kept
        self._tell = tell
        self._grammars = Grammars(tokenizer, engine.limits.vocabulary)
        self._running: dict[int, _Running] = {}

    def begin(self, ask: Ask) -> None:
        """Start an answer; what keeps it from starting is told."""
        session: Session | None = None
        try:
            self._kept.expire()
            session = self._session(ask)
            running = _Running(ask, session)
            future = session.generate(
                self._request(ask),
                self._watcher(ask),
                lambda token: self._said(running, token),
                lambda logprob: self._weighed(running, logprob),
            )
        except ModelError as error:
            if session is not None:
                session.close()
            self._tell(_failure(ask.number, error))
            return
        self._running[ask.number] = running
        future.add_done_callback(lambda future: self._ended(running, future))

    def cancel(self, number: int) -> None:
        """Nobody listens any more: the sequence and its pages are free before the next step."""
        running = self._running.get(number)
        if running is not None:
            running.unwanted = True
            running.session.close()

    def look(self, number: int) -> Seen:
        """What the engine holds and does."""
        self._kept.expire()
        cache = self._engine.core.cache
        return Seen(
            number,
            self._engine.load(),
            sessions=len(cache.holders),
            kept=len(self._kept),
            pages=sum(pool.pages - pool.reclaimable for pool in cache.pools),
        )

    def forget(self, number: int) -> Seen:
        """Free what is kept for conversations that rest."""
        self._kept.clear()
        return self.look(number)

    def _session(self, ask: Ask) -> Session:
        """One that holds the prompt: a kept one that goes on, or a new one."""
        stream = substream(0, ask.drawing.stream) if ask.drawing.stream else 0
        session = None if stream else self._kept.take(ask.prompt)
        session = session or Session(self._engine, job=ask.job, stream=stream)
        try:
            session.append(ask.prompt[len(session.ids) :])
        except ModelError:
            session.close()
            raise
        return session

    def _request(self, ask: Ask) -> Request:
        drawing, budget = ask.drawing, ask.budget
        greedy = drawing.temperature == 0  # filters have no meaning there
        return Request(
            ask.max_tokens,
            Sampling(
                drawing.temperature,
                1.0 if greedy else drawing.top_p,
                0 if greedy else drawing.top_k,
                0.0 if greedy else drawing.min_p,
                drawing.seed,
            ),
            think_budget=ThinkBudget(budget.soft, budget.hard, budget.close_ids)
            if budget
            else None,
            mask=self._grammars.mask(ask.grammar, ask.ends) if ask.grammar else None,
            bias=bias_of(drawing),
            logprobs=ask.logprobs,
        )

    def _watcher(self, ask: Ask) -> StopWatcher:
        ends = ask.ends
        rules = StopRules(ends.ids, ends.texts, after_tool_call=ends.after_tool_call)
        return StopWatcher(self._tokenizer, rules, thinking=ends.thinking, earlier=ends.earlier)

    def _weighed(self, running: _Running, logprob: TokenLogprob) -> None:
        running.logprob = Logprob(logprob.logprob, logprob.top)

    def _said(self, running: _Running, token: int) -> None:
        if not running.unwanted:
            self._tell(Token(running.ask.number, token, running.logprob))

    def _ended(self, running: _Running, future: Future[Generation]) -> None:
        """Tell it; keep what the conversation will go on from."""
        ask, session = running.ask, running.session
        self._running.pop(ask.number, None)
        error = future.exception()
        if error is not None:
            session.close()
            self._tell(_failure(ask.number, error))
            return
        made = future.result()
        if running.unwanted:
            return
        if ask.keep and not ask.drawing.stream:
            self._kept.put(session)
        else:
            session.close()
        self._tell(Done(ask.number, made.finish, made.prompt_tokens, made.cached))


def _failure(number: int, error: BaseException) -> Failed:
    kinds: list[tuple[type[ModelError], FailureKind]] = [
        (ContextOverflowError, "too_long"),
        (PoolTooSmallError, "too_long"),
        (EngineError, "gone"),
        (ModelError, "invalid"),
    ]
    found = [kind for base, kind in kinds if isinstance(error, base)]
    kind: FailureKind = found[0] if found else "gone"
    return Failed(number, kind, str(error))
