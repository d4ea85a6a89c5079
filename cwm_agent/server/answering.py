"""One choice, or several at once, as pieces that any protocol can tell."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field

from cwm_agent.server.chat.channels import Channels
from cwm_agent.server.chat.turns import Delta, Whole
from cwm_agent.server.engine.link import AnswerFailedError, EngineAwayError, EngineLink
from cwm_agent.server.engine.messages import Ask, Done, Logprob, Token
from cwm_agent.server.errors import RequestError, away, too_long
from cwm_agent.server.metrics import Metrics
from cwm_agent.server.wanted import Piece, Usage
from model.text.tokenizer import Detokenizer, Tokenizer


@dataclass(slots=True)
class Choice:
    """One answer. `finished` hears of the whole of it and its ids."""

    index: int
    ask: Ask
    channels: Channels
    finished: Callable[[Sequence[int], Whole], None] | None = None
    ids: list[int] = field(default_factory=list)
    whole: Whole = field(default_factory=Whole)
    thought: int = 0


async def answer(
    choice: Choice, link: EngineLink, tokenizer: Tokenizer, metrics: Metrics
) -> AsyncGenerator[Piece, None]:
    """The pieces of one choice; closing the iterator frees what the engine holds for it.

    Raises RequestError.
    """
    detokenizer = Detokenizer(tokenizer)
    began = last = time.monotonic()
    over = False
    try:
        async with aclosing(link.ask(choice.ask)) as events:
            async for batch in events:
                tokens = [event for event in batch if isinstance(event, Token)]
                done = next((event for event in batch if isinstance(event, Done)), None)
                now = time.monotonic()
                _time(metrics, tokens, first=not choice.ids, began=began, last=last, now=now)
                last = now if tokens else last
                deltas = _heard(choice, detokenizer, tokens)
                if done is not None:
                    deltas += choice.channels.push(detokenizer.finish())
                    deltas += choice.channels.finish(whole=done.finish == "stop")
                for delta in deltas:
                    choice.whole.take(delta)
                over = done is not None
                if over and choice.finished is not None:
                    choice.finished(choice.ids, choice.whole)
                yield _piece(choice, deltas, tokens, done)
                if done is not None:
                    _count(metrics, choice, done, now - began)
    except EngineAwayError as error:
        over = True
        raise away(str(error), error.seconds) from error
    except AnswerFailedError as error:
        over = True
        raise too_long(str(error)) if error.kind == "too_long" else RequestError(str(error)) from (
            error
        )
    finally:
        if not over:
            metrics.disconnected.inc()


async def merged(answers: Sequence[AsyncGenerator[Piece, None]]) -> AsyncGenerator[Piece, None]:
    """The pieces of several choices as they come; the end of this is the end of all."""
    if len(answers) == 1:
        async with aclosing(answers[0]) as pieces:
            async for piece in pieces:
                yield piece
        return
    queue: asyncio.Queue[Piece | BaseException | None] = asyncio.Queue()

    async def collect(pieces: AsyncGenerator[Piece, None]) -> None:
        try:
            async with aclosing(pieces):
                async for piece in pieces:
                    queue.put_nowait(piece)
            queue.put_nowait(None)
        except RequestError as error:
            queue.put_nowait(error)

    tasks = [asyncio.create_task(collect(pieces)) for pieces in answers]
    try:
        left = len(tasks)
        while left:
            found = await queue.get()
            if isinstance(found, BaseException):
                raise found
            if found is None:
                left -= 1
            else:
                yield found
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _heard(choice: Choice, detokenizer: Detokenizer, tokens: Sequence[Token]) -> list[Delta]:
    deltas: list[Delta] = []
    for token in tokens:
        choice.thought += choice.channels.thinking
        choice.ids.append(token.id)
        text = detokenizer.push(token.id)
        if text:
            deltas += choice.channels.push(text)
    return deltas


def _piece(
    choice: Choice, deltas: Sequence[Delta], tokens: Sequence[Token], done: Done | None
) -> Piece:
    logprobs: tuple[Logprob | None, ...] = ()
    if choice.ask.logprobs is not None:
        logprobs = tuple(token.logprob for token in tokens)
    ids = tuple(token.id for token in tokens)
    if done is None:
        return Piece(choice.index, tuple(deltas), ids, logprobs, choice.ask.prompt)
    finish = "tool_calls" if choice.channels.called else done.finish
    usage = Usage(done.prompt_tokens, len(choice.ids), done.cached, choice.thought)
    return Piece(
        choice.index,
        tuple(deltas),
        ids,
        logprobs,
        choice.ask.prompt,
        finish=finish,
        stop=choice.channels.stopped,
        usage=usage,
    )


def _time(
    metrics: Metrics,
    tokens: Sequence[Token],
    *,
    first: bool,
    began: float,
    last: float,
    now: float,
) -> None:
    if not tokens:
        return
    if first:
        metrics.first.observe(now - began)
    else:
        for _ in tokens:
            metrics.between.observe((now - last) / len(tokens))


def _count(metrics: Metrics, choice: Choice, done: Done, seconds: float) -> None:
    metrics.prompt.inc(done.prompt_tokens)
    metrics.queries.inc(done.prompt_tokens)
    metrics.hits.inc(done.cached)
    metrics.generated.inc(len(choice.ids))
    metrics.whole.observe(seconds)
    metrics.succeeded(done.finish)
    if choice.channels.unparsed:
        metrics.unparsed.inc()
