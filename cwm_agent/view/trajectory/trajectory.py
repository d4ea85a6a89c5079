"""The parts of a trajectory: messages, steps, outcome. Text is kept as it was recorded.

Nothing here is made harmless: whatever shows it passes it through `sanitize` first.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from results.records import Message, Odds, Verdict

Kind = Literal["bash", "edit", "create", "submit", "other", "none"]
"""What a call does; "none" is a reply without a valid call."""

Failure = Literal[
    "exit", "malformed", "edit", "timeout", "traceback", "limit", "infrastructure", "tool"
]
"""Why a step counts as failed: see `failures.failure_of`."""


@dataclass(frozen=True, slots=True)
class Action:
    """What a step asked for. `body` is the call as it was written, without its tags.

    `path`, `search` and `replace` are set for edits, `path` and `replace` for created files.
    """

    kind: Kind
    tool: str
    body: str
    path: str = ""
    search: str = ""
    replace: str = ""


@dataclass(frozen=True, slots=True)
class Spent:
    """Seconds of one step: in the model, in the tool, waiting for a free place."""

    model: float = 0.0
    tool: float = 0.0
    waiting: float = 0.0

    @property
    def total(self) -> float:
        """All three."""
        return self.model + self.tool + self.waiting


@dataclass(frozen=True, slots=True)
class Tokens:
    """Tokens of one step: written in the reply, in the context after it, of the prompt from cache.

    `ids` and `logprobs` (natural logarithm, one a token) are empty where they were not recorded;
    `odds` has the likeliest tokens, too. `prompt_ids` are those that the environment added before
    the reply.
    """

    written: int = 0
    context: int = 0
    cached: int = 0
    prompt: int = 0
    ids: tuple[int, ...] = ()
    prompt_ids: tuple[int, ...] = ()
    logprobs: tuple[float | None, ...] = ()
    odds: Odds | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """One turn: a reply and what came of it. `number` counts from 1.

    `diff` is the working tree against the start after this turn, None where it did not change
    or was not recorded. `time` is ISO 8601, "" where unknown.
    """

    number: int
    action: Action
    thinking: str = ""
    prose: str = ""
    raw: str = ""
    observation: str = ""
    answered: bool = False
    ok: bool = True
    exit_code: int | None = None
    ending: str = ""
    error: str = ""
    cause: str = ""
    dropped_bytes: int = 0
    finish: str = "stop"
    failure: Failure | None = None
    spent: Spent = Spent()
    tokens: Tokens = Tokens()
    diff: str | None = None
    time: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How it ended. `exit` is the recorder's own word; `resolved` None where nobody judged.

    `over` is False as long as it goes on, or where it was killed.
    """

    exit: str = ""
    over: bool = False
    resolved: bool | None = None
    patch: str = ""
    verdict: Verdict | None = None
    graded: bool = False
    detail: str = ""
    seconds: float = 0.0
    test_output: str = ""


@dataclass(frozen=True, slots=True)
class Trajectory:
    """One attempt. `format` names who recorded it; `facts` are further lines for the Info tab.

    `problem` says what could not be read; the steps before that place are here.
    """

    instance: str
    sample: int = 0
    format: str = "cwm-agent"
    policy: str = ""
    opening: tuple[Message, ...] = ()
    opening_ids: tuple[int, ...] = ()
    steps: tuple[Step, ...] = ()
    outcome: Outcome = Outcome()
    facts: dict[str, str] = field(default_factory=dict)
    context_limit: int = 0
    started: str = ""
    problem: str = ""
    log: str = ""

    @property
    def name(self) -> str:
        """`instance #sample`."""
        return f"{self.instance} #{self.sample}"

    @property
    def tokens(self) -> int:
        """What the model wrote in all steps."""
        return sum(step.tokens.written for step in self.steps)

    @property
    def seconds(self) -> float:
        """Its whole duration, or the sum over its steps where nobody recorded one."""
        return self.outcome.seconds or sum(step.spent.total for step in self.steps)
