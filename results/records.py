"""The types that a run leaves on disk, one dataclass per record.

Everything that happens in an attempt is one of the `Event` types, appended to
`events.jsonl` in order. Text is a view: where a policy works with tokens, the
ids are the truth and stand beside it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal

from results.found import Capabilities, Enforced

ExitReason = Literal[
    "submitted",  # the model submitted and ended with a final answer
    "turn_limit",
    "token_limit",
    "time_limit",
    "format_errors",  # too many malformed calls in a row, or one in strict mode
    "sandbox_broken",  # by what the model did: a second sandbox was lost to the same action
    "interrupted",  # by the user; can be resumed
    "policy_error",
    "sandbox_error",
]

Finish = Literal["stop", "length", "cancelled"]


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a conversation. `role` is system, user, assistant or "tool: NAME"."""

    role: str
    text: str


@dataclass(frozen=True, slots=True)
class FunctionCall:
    """A tool call made through a chat API's functions, not in the text.

    `body` is what the text grammar would have between the tags, None where the arguments
    were not those of the tool.
    """

    name: str
    body: str | None


@dataclass(frozen=True, slots=True)
class ChatReply:
    """What a chat API said beside the text of a reply.

    `message` is the assistant's message in the API's JSON, to be sent back as it came.
    `calls` is None where calls stand in the text. `cost` is the server's own figure, in US
    dollars, None where it says nothing.
    """

    message: str
    calls: tuple[FunctionCall, ...] | None = None
    reasoning: str = ""
    cost: float | None = None


@dataclass(frozen=True, slots=True)
class Odds:
    """Log-probabilities of a reply's tokens (natural, before any filter of the sampling).

    `chosen` has that of each token, None for one that was forced; `ids` and `logprobs` have the
    likeliest tokens at each place, best first.
    """

    chosen: tuple[float | None, ...]
    ids: tuple[tuple[int, ...], ...] = ()
    logprobs: tuple[tuple[float, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer of a policy.

    `text` is everything after the generation prefix (thinking included). `ids` are the sampled
    token ids, empty for policies without tokens. `prompt_tokens` counts the whole context before
    the reply, `cached_tokens` how many of them needed no prefill, `context_tokens` the whole
    context after it. `odds` is kept where `sampling.logprobs` asks for it.
    """

    text: str
    ids: tuple[int, ...] = ()
    finish: Finish = "stop"
    prompt_tokens: int = 0
    cached_tokens: int = 0
    context_tokens: int = 0
    seconds: float = 0.0
    chat: ChatReply | None = None
    odds: Odds | None = None


@dataclass(frozen=True, slots=True)
class AttemptStarted:
    """First event of every sandbox that the attempt works in (so a resumed one has several).

    `capabilities` are those of a model behind a chat API.
    """

    instance: str
    sample: int
    policy: str
    sandbox: str
    prompt_pack: str
    mode: str
    pid: int
    boot_id: str
    capabilities: Capabilities | None = None


@dataclass(frozen=True, slots=True)
class Observed:
    """Messages that the environment added to the conversation (the opening ones, or a result)."""

    messages: tuple[Message, ...]
    ids: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Replied:
    """The policy's answer of one turn."""

    turn: int
    reply: Reply


@dataclass(frozen=True, slots=True)
class ToolRan:
    """What a tool call did. `tool` is "" when the reply held no valid call.

    `queued` seconds are not in `seconds`. `cause` names a class of failures (envs.failures).
    """

    turn: int
    tool: str
    ok: bool
    seconds: float
    ending: str | None = None
    exit_code: int | None = None
    dropped_bytes: int = 0
    error: str | None = None
    queued: float = 0.0
    cause: str | None = None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The working tree after a turn that changed it, as a binary git diff against the start.

    `patch` is what would be handed in, None where that is `diff` itself.
    """

    turn: int
    tree: str
    diff: str
    cwd: str
    patch: str | None = None

    @property
    def handed_in(self) -> str:
        """The patch that this state stands for."""
        return self.diff if self.patch is None else self.patch


@dataclass(frozen=True, slots=True)
class Submitted:
    """A submit call was accepted."""

    turn: int
    patch: str


@dataclass(frozen=True, slots=True)
class Graded:
    """What the policy says of its finished attempt: log-probabilities of grades, best first.

    The question was asked in a twin of the conversation, which had `context_tokens` before the
    `question_tokens`; `cached_tokens` of both were not computed again, by the engine's counters.
    """

    scale: tuple[str, ...]
    logprobs: tuple[float, ...]
    context_tokens: int
    question_tokens: int
    cached_tokens: int

    @property
    def grade(self) -> float:
        """The expected grade, 1 for the best of the scale and 0 for the worst.

        The expectation over the grades' probabilities, renormalised to the scale,
        as in "LLM-as-a-Verifier" (arXiv 2607.05391).
        """
        most = max(self.logprobs)
        weights = [math.exp(logprob - most) for logprob in self.logprobs]
        steps = len(weights) - 1
        total = sum(weight * (steps - place) for place, weight in enumerate(weights))
        return total / (steps * sum(weights))


@dataclass(frozen=True, slots=True)
class Branched:
    """What stands before was taken over from another `sample` after a turn, and counts there."""

    sample: int
    turn: int


@dataclass(frozen=True, slots=True)
class Ended:
    """Last event of an attempt that ended (an interrupted one may continue after it).

    `cause` is the class of an infrastructure failure (envs.failures).
    """

    reason: ExitReason
    detail: str = ""
    cause: str | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the hidden tests said of a patch, or with `state` of the sandbox as it was left: each
    named test with its outcome before and after."""

    resolved: bool
    fail_to_pass: dict[str, bool] = field(default_factory=dict)
    pass_to_pass: dict[str, bool] = field(default_factory=dict)
    detail: str = ""
    state: bool = False


@dataclass(frozen=True, slots=True)
class Judged:
    """What the tests said of the sandbox as the attempt left it, before it was given back."""

    verdict: Verdict


Event = (
    AttemptStarted | Enforced | Observed | Replied | ToolRan | Snapshot | Submitted | Graded
    | Judged | Branched | Ended
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class AttemptResult:
    """`result.json`: written once, atomically, when an attempt is over.

    `resolved` is None when there were no tests to judge by. `cause` is the class
    of the infrastructure failure that ended it, if one did (envs.failures).
    """

    instance: str
    sample: int
    exit_reason: ExitReason
    patch: str
    turns: int
    seconds: float
    prompt_tokens: int
    completion_tokens: int
    policy: str
    sandbox: str
    mode: str
    prompt_pack: str
    resolved: bool | None = None
    verdict: Verdict | None = None
    detail: str = ""
    cause: str | None = None


@dataclass(frozen=True, slots=True)
class SettingRecord:
    """One resolved setting: its JSON value and the layer or file that it came from."""

    value: object
    origin: str


@dataclass(frozen=True, slots=True)
class RunInfo:
    """`run.json`: everything needed to say what a run was, and to repeat it.

    `created` is UTC, ISO 8601. `settings` is keyed by the dotted name of the setting, `versions`
    by program or package, `hashes` by what was hashed, `seeds` by what they seed.
    """

    created: str
    command: tuple[str, ...]
    settings: dict[str, SettingRecord] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    hashes: dict[str, str] = field(default_factory=dict)
    seeds: dict[str, int] = field(default_factory=dict)
