"""One answer in the making: what it may sample, when it is over, what it said."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Literal, Protocol

from torch import Tensor

from model.errors import CallbackError, ModelError, SamplingError
from model.step.checks import checked_bias, checked_mask, whole
from model.step.sampler import Draw, Sampling, top_logprobs

Finish = Literal["stop", "length", "cancelled"]
TokenMask = Callable[[Sequence[int]], Tensor | None]
TokenBias = Callable[[Sequence[int]], Mapping[int, float] | None]


class Watcher(Protocol):
    """Follows one answer token by token (see `model.text.stops`)."""

    @property
    def thinking(self) -> bool:
        """Whether the answer so far is inside thinking."""

    def push(self, token: int) -> bool:
        """Take the next token; True when the answer ends with it."""

    def finish(self) -> str:
        """The text of all tokens pushed; called once."""


@dataclass(frozen=True, slots=True)
class ThinkBudget:
    """When to end thinking by force.

    After `soft` tokens of thinking it is closed as soon as the first of
    `close_ids` is among the `rank` likeliest next tokens; after `hard` tokens
    at once. Closing writes `close_ids` into the context; they are not sampled.
    """

    soft: int
    hard: int
    close_ids: tuple[int, ...]
    rank: int = 3

    def __post_init__(self) -> None:
        """Raise SamplingError when the limits contradict each other."""
        for name in ("soft", "hard", "rank"):
            object.__setattr__(self, name, whole(name, getattr(self, name)))
        if self.rank < 1:
            raise SamplingError(f"thinking budget: rank is {self.rank}; it must be at least 1")
        if not 0 <= self.soft <= self.hard:
            raise SamplingError(
                f"thinking budget: soft is {self.soft} and hard {self.hard}; "
                "they must satisfy 0 <= soft <= hard"
            )
        if not self.close_ids:
            raise SamplingError("thinking budget: close_ids is empty; give the ids that end it")


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked of one generation.

    `forced` tokens start the answer unsampled (they count towards
    `max_tokens`). `mask` gets the ids of the answer so far and returns which
    tokens may follow, (vocabulary,) of bool with at least one true, or None for
    all; it is asked about guesses, too, and its answer to one that turns out
    wrong does not count. `bias` is asked likewise, and what it returns is added to
    the logits of these tokens. `logprobs` asks for that many likeliest
    alternatives a token, 0 for the token's own only.
    """

    max_tokens: int
    sampling: Sampling
    think_budget: ThinkBudget | None = None
    forced: tuple[int, ...] = ()
    mask: TokenMask | None = None
    bias: TokenBias | None = None
    logprobs: int | None = None

    def __post_init__(self) -> None:
        """Raise SamplingError for values out of range."""
        object.__setattr__(self, "max_tokens", whole("max_tokens", self.max_tokens))
        if self.logprobs is not None:
            object.__setattr__(self, "logprobs", whole("logprobs", self.logprobs))
        if self.max_tokens < 1:
            raise SamplingError(f"max_tokens is {self.max_tokens}; it must be at least 1")
        if len(self.forced) >= self.max_tokens:
            raise SamplingError(
                f"{len(self.forced)} forced tokens leave nothing of max_tokens {self.max_tokens}; "
                "raise max_tokens"
            )
        if self.logprobs is not None and self.logprobs < 0:
            raise SamplingError(f"logprobs is {self.logprobs}; it must be 0 or more")


@dataclass(frozen=True, slots=True)
class TokenLogprob:
    """Log-probability of a sampled token and the likeliest alternatives, before any filter.

    Both are None and empty for a token that was forced.
    """

    logprob: float | None
    top: tuple[tuple[int, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Generation:
    """One finished answer.

    `ids` are its tokens, a stop token included; `text` is what they say,
    control tokens hidden. Of the `prompt_tokens` before it, `cached` needed no
    computation for this answer and `prefilled` did.
    """

    ids: tuple[int, ...]
    text: str
    finish: Finish
    prompt_tokens: int
    cached: int
    prefilled: int
    steps: int
    logprobs: tuple[TokenLogprob, ...] | None = None


@dataclass(slots=True, eq=False)
class GenerationState:
    """A running generation; owned by the engine's thread.

    `on_token` is called there with each new id (before it `on_logprob`, if
    logprobs are wanted), as are mask, bias and watcher, so all must return at
    once. What one of them raises ends this answer, as CallbackError.
    """

    request: Request
    watcher: Watcher
    stream: int
    prompt_tokens: int
    future: Future[Generation]
    on_token: Callable[[int], None] | None = None
    on_logprob: Callable[[TokenLogprob], None] | None = None
    ids: list[int] = field(default_factory=list)
    logprobs: list[TokenLogprob] = field(default_factory=list)
    thought: int = 0
    steps_at_start: int = 0
    prefilled: int = 0
    finish: Finish | None = None

    @property
    def room(self) -> int:
        """Tokens that may still be added."""
        return self.request.max_tokens - len(self.ids)

    def allowed(self, ahead: Sequence[int], vocabulary: int) -> Tensor | None:
        """What the mask lets follow if `ahead` were accepted, (vocabulary,) of bool; None: all.

        Raises CallbackError when it fails, SamplingError when its answer is of no use.
        """
        if self.request.mask is None:
            return None
        ids = (*self.ids, *ahead)
        try:
            allowed = self.request.mask(ids)
        except BaseException as error:
            raise _fault("mask", error) from error
        return None if allowed is None else checked_mask(allowed, vocabulary, len(ids))

    def bias(
        self, ahead: Sequence[int], allowed: Tensor | None, vocabulary: int
    ) -> Mapping[int, float] | None:
        """What is added to logits of what is `allowed` if `ahead` were accepted.

        Raises CallbackError when it fails, SamplingError when its answer is of no use.
        """
        if self.request.bias is None:
            return None
        ids = (*self.ids, *ahead)
        try:
            bias = self.request.bias(ids)
        except BaseException as error:
            raise _fault("bias", error) from error
        return None if bias is None else checked_bias(bias, allowed, vocabulary, len(ids))

    def draw(self, position: int, allowed: Tensor | None, bias: Mapping[int, float] | None) -> Draw:
        """How to sample the token at `position`."""
        return Draw(self.request.sampling, self.stream, position, allowed, bias)

    def closes_thinking(self, logits: Tensor) -> bool:
        """Whether the budget ends the thought before the next token; logits (vocabulary,)."""
        budget = self.request.think_budget
        if budget is None or not self._thinking() or self.thought < budget.soft:
            return False
        if self.thought >= budget.hard:
            return True
        likely = logits.topk(min(budget.rank, logits.shape[-1])).indices
        return bool((likely == budget.close_ids[0]).any())

    def push(self, context: list[int], token: int, logits: Tensor | None, longest: int) -> None:
        """Append the next token to the answer and to `context`; sets `finish` when it is over.

        `longest` is the most tokens that the context may have. No logits: the
        token was forced.
        """
        context.append(token)
        self.ids.append(token)
        self.thought += self._thinking()
        if self.request.logprobs is not None:
            self.logprobs.append(self._logprob(token, logits, self.request.logprobs))
        if self._ends_with(token):
            self.finish = "stop"
        elif self.room == 0 or len(context) >= longest:
            self.finish = "length"
        if self.on_token is None:
            return
        try:
            if self.on_logprob is not None and self.logprobs:
                self.on_logprob(self.logprobs[-1])
            self.on_token(token)
        except BaseException as error:
            raise _fault("on_token", error) from error

    def force(self, context: list[int], tokens: Sequence[int], longest: int) -> None:
        """Append tokens that are not sampled, as long as the answer goes on."""
        for token in tokens:
            if self.finish is None:
                self.push(context, token, None, longest)

    def _thinking(self) -> bool:
        try:
            return bool(self.watcher.thinking)
        except BaseException as error:
            raise _fault("stop watcher", error) from error

    def _ends_with(self, token: int) -> bool:
        try:
            return bool(self.watcher.push(token))
        except BaseException as error:
            raise _fault("stop watcher", error) from error

    def _text(self) -> str:
        try:
            return self.watcher.finish()
        except BaseException as error:
            raise _fault("stop watcher", error) from error

    @staticmethod
    def _logprob(token: int, logits: Tensor | None, count: int) -> TokenLogprob:
        if logits is None:
            return TokenLogprob(None)
        own, top = top_logprobs(logits, token, count)
        return TokenLogprob(own, tuple(top))

    def result(self, finish: Finish, steps: int) -> Generation:
        """The finished answer. Raises CallbackError when the watcher fails."""
        return Generation(
            ids=tuple(self.ids),
            text=self._text(),
            finish=finish,
            prompt_tokens=self.prompt_tokens,
            cached=max(0, self.prompt_tokens - self.prefilled),
            prefilled=self.prefilled,
            steps=steps - self.steps_at_start,
            logprobs=None if self.request.logprobs is None else tuple(self.logprobs),
        )


def _fault(what: str, error: BaseException) -> ModelError:
    """What the session hears whose function failed; a SystemExit must not end its waiter."""
    try:
        said = f"{type(error).__name__}: {error}"
    except Exception:  # noqa: BLE001 (an error that cannot even say itself)
        said = type(error).__name__
    return CallbackError(
        f"the {what} of this session raised {said}; "
        "its answer is given up, its context is as before"
    )
