"""What the two processes tell each other.

Nothing here imports torch: the process that speaks HTTP never does.
"""

from __future__ import annotations

from array import array
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from cwm_agent.config.settings import Settings
from model.stats import EngineStats

Finish = Literal["stop", "length", "cancelled"]
FailureKind = Literal["too_long", "invalid", "gone"]
JSON_OPTIONS = {"whitespace_pattern": r"[ \n\r\t]{0,40}"}
"""Of llguidance, for every JSON schema."""
GrammarKind = Literal["json", "json_schema", "regex", "lark"]


@dataclass(frozen=True, slots=True)
class EngineSpec:
    """What to load. `keep` conversations keep their keys and values for `keep_seconds` of rest."""

    folder: str
    settings: Settings
    keep: int
    keep_seconds: float


@dataclass(frozen=True, slots=True)
class Grammar:
    """What the answer after its thought must be; `text` is a JSON schema, a pattern or Lark."""

    kind: GrammarKind
    text: str


@dataclass(frozen=True, slots=True)
class Budget:
    """See model.engine.generation.ThinkBudget."""

    soft: int
    hard: int
    close_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Drawing:
    """How tokens are sampled; see model.step.sampler.Sampling.

    `stream` numbers the choices of one request. `bias` is added to logits;
    `presence` and `frequency` are subtracted from those of tokens said before,
    the latter once for each time (as the API reference of OpenAI defines them).
    """

    temperature: float = 1.0
    top_p: float = 1.0
    top_k: int = 0
    min_p: float = 0.0
    seed: int = 0
    stream: int = 0
    bias: Mapping[int, float] = field(default_factory=dict)
    presence: float = 0.0
    frequency: float = 0.0


@dataclass(frozen=True, slots=True)
class Ends:
    """What ends an answer; see model.text.stops. `thinking`: it begins inside a thought.

    `earlier` is text of the same answer that is part of the prompt already.
    """

    ids: frozenset[int] = frozenset()
    texts: tuple[str, ...] = ()
    after_tool_call: bool = False
    thinking: bool = False
    earlier: str = ""


@dataclass(frozen=True, slots=True)
class Ask:
    """One answer that is wanted. `job` groups answers for fairness.

    `keep`: the conversation is likely to go on, so its keys and values stay.
    """

    number: int
    prompt: array[int]
    max_tokens: int
    drawing: Drawing
    ends: Ends
    budget: Budget | None = None
    logprobs: int | None = None
    grammar: Grammar | None = None
    keep: bool = True
    job: str = ""


@dataclass(frozen=True, slots=True)
class Cancel:
    """Nobody wants this answer any more."""

    number: int


@dataclass(frozen=True, slots=True)
class Look:
    """Say what the engine does now."""

    number: int


@dataclass(frozen=True, slots=True)
class Forget:
    """Free what is kept for conversations that rest."""

    number: int


@dataclass(frozen=True, slots=True)
class Hello:
    """The engine is ready. `context` is the most tokens of a conversation."""

    context: int
    vocabulary: int
    bos_id: int | None
    eos_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class NotLoaded:
    """The checkpoint cannot be loaded, and why."""

    text: str


@dataclass(frozen=True, slots=True)
class Logprob:
    """See model.engine.generation.TokenLogprob."""

    logprob: float | None
    top: tuple[tuple[int, float], ...]


@dataclass(frozen=True, slots=True)
class Token:
    """The next token of an answer."""

    number: int
    id: int
    logprob: Logprob | None = None


@dataclass(frozen=True, slots=True)
class Done:
    """An answer is whole. Of its prompt `cached` tokens needed no computation."""

    number: int
    finish: Finish
    prompt_tokens: int
    cached: int


@dataclass(frozen=True, slots=True)
class Failed:
    """There will be no answer."""

    number: int
    kind: FailureKind
    text: str


@dataclass(frozen=True, slots=True)
class Seen:
    """The answer to Look and Forget.

    `sessions` the engine holds, `kept` of them for conversations that rest;
    `pages` are held by any of them.
    """

    number: int
    stats: EngineStats
    sessions: int
    kept: int
    pages: int


Command = Ask | Cancel | Look | Forget
Event = Token | Done | Failed | Seen
