"""What a request asks for, in no protocol's own words."""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from cwm_agent.server.chat.turns import Delta, ToolChoice, ToolDefinition, Turn
from cwm_agent.server.engine.messages import Grammar, Logprob


@dataclass(frozen=True, slots=True)
class Sampled:
    """How to sample; None leaves a value to the server's settings."""

    temperature: float | None = None
    top_p: float | None = None
    top_k: int = 0
    min_p: float = 0.0
    seed: int | None = None
    bias: Mapping[int, float] = field(default_factory=dict)
    presence: float = 0.0
    frequency: float = 0.0


@dataclass(frozen=True, slots=True)
class Wanted:
    """Answers to a conversation.

    `max_tokens` None: up to the end of the context. `thoughts` is the most tokens
    of thinking, None without a bound. `stop_ids` end an answer besides the
    model's own, which `ignore_eos` takes away. `keep_thoughts` False leaves the
    reasoning of earlier answers out. `written`: the client speaks the model's
    grammar itself, so an answer is all text; a call in it ends it with
    `stop_after_call`. `job` names who asks, for fairness.
    """

    turns: Sequence[Turn]
    tools: Sequence[ToolDefinition] = ()
    choice: ToolChoice = field(default_factory=ToolChoice)
    sampled: Sampled = field(default_factory=Sampled)
    max_tokens: int | None = None
    n: int = 1
    stops: tuple[str, ...] = ()
    stop_ids: tuple[int, ...] = ()
    ignore_eos: bool = False
    logprobs: int | None = None
    thinking: bool = True
    thoughts: int | None = None
    keep_thoughts: bool = True
    grammar: Grammar | None = None
    written: bool = False
    stop_after_call: bool = False
    job: str = ""


@dataclass(frozen=True, slots=True)
class PromptWanted:
    """Continuations of a prompt of ids; fields as in Wanted."""

    prompt: array[int]
    sampled: Sampled = field(default_factory=Sampled)
    max_tokens: int | None = None
    n: int = 1
    stops: tuple[str, ...] = ()
    stop_ids: tuple[int, ...] = ()
    ignore_eos: bool = False
    logprobs: int | None = None
    grammar: Grammar | None = None
    job: str = ""


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one answer: `cached` of the prompt needed no work, `reasoning` were thought."""

    prompt: int
    completion: int
    cached: int
    reasoning: int = 0


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of choice `index`, with the ids it was told by and those of the prompt.

    The last one has `finish` and `usage`, and `stop`, the stop text, if one was met.
    """

    index: int
    deltas: tuple[Delta, ...] = ()
    ids: tuple[int, ...] = ()
    logprobs: tuple[Logprob | None, ...] = ()
    prompt: Sequence[int] = ()
    finish: str | None = None
    stop: str | None = None
    usage: Usage | None = None
