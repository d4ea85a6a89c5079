"""The load of an agent: n samples of one issue, each with its own tool output in every turn."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from cwm_agent.errors import UsageError

Encode = Callable[[str], list[int]]
_LINES_SHOWN = 120
_LINES_COPIED = 14


def source_files() -> list[Path]:
    """The files of this package, in a fixed order."""
    return sorted(Path(__file__).parents[2].rglob("*.py"))


def corpus(encode: Encode) -> list[int]:
    """Ids of all source files, one after another."""
    return encode("\n".join(path.read_text(encoding="utf-8") for path in source_files()))


def slices(ids: Sequence[int], lengths: Sequence[int]) -> list[list[int]]:
    """Different pieces of these lengths, evenly spread; they overlap where they must.

    Raises UsageError for one longer than the whole.
    """
    if max(lengths) >= len(ids):
        raise UsageError(
            f"a prompt of {max(lengths)} tokens is longer than the {len(ids)} that the bench has; "
            "ask for a shorter one"
        )
    step = len(ids) / len(lengths)
    begins = [min(int(i * step), len(ids) - n) for i, n in enumerate(lengths)]
    return [list(ids[begin : begin + n]) for begin, n in zip(begins, lengths, strict=True)]


@dataclass(frozen=True, slots=True)
class Edit:
    """A file as the model sees it, and the edit that it answers with."""

    prompt: str
    reply: str


def edits(count: int) -> list[Edit]:
    """`cat` of the longest files, each answered by a block that changes one line of many."""
    files = sorted(source_files(), key=lambda path: -len(path.read_text(encoding="utf-8")))
    return [_edit(path) for path in files[:count]]


def _edit(path: Path) -> Edit:
    lines = path.read_text(encoding="utf-8").splitlines()[:_LINES_SHOWN]
    begin = max(0, len(lines) // 2 - _LINES_COPIED // 2)
    old = lines[begin : begin + _LINES_COPIED]
    changed = next(i for i in range(len(old) // 2, len(old)) if old[i].strip())
    new = [*old[:changed], old[changed].rstrip() + "  # reviewed", *old[changed + 1 :]]
    shown, name = "\n".join(lines), f"cwm_agent/{path.relative_to(Path(__file__).parents[2])}"
    block = ["<<<<<<< SEARCH", *old, "=======", *new, ">>>>>>> REPLACE"]
    call = "\n".join(["<tool: edit>", name, *block, "</tool>"])
    return Edit(
        prompt=f"<tool: bash>\ncat {name}\n</tool>\n{shown}\n",
        reply=f"The line needs a note.\n{call}",
    )


Replies = list[list[list[int]]]
"""`replies[s][t]`: ids of session s in turn t."""


@dataclass(frozen=True, slots=True)
class AgentLoad:
    """`prompt` is shared; `observations[s][t]` follow the reply of turn t. No wait by default."""

    prompt: list[int]
    observations: list[list[list[int]]]
    observation_tokens: int
    turns: int
    reply_tokens: int
    tool_seconds: float = 0.0

    @property
    def sessions(self) -> int:
        """How many run at once."""
        return len(self.observations)

    @property
    def sampled_tokens(self) -> int:
        """Of all replies together."""
        return self.sessions * self.turns * self.reply_tokens

    @property
    def longest(self) -> int:
        """Tokens of a session at its end."""
        seen = (self.turns - 1) * self.observation_tokens
        return len(self.prompt) + self.turns * self.reply_tokens + seen

    def context(self, session: int, turn: int, replies: Replies) -> list[int]:
        """What a session has before it replies in `turn`, given all replies before."""
        ids = list(self.prompt)
        for before in range(turn):
            ids += replies[session][before]
            ids += self.observations[session][before]
        return ids


def agent_load(
    text: Sequence[int],
    *,
    sessions: int,
    turns: int,
    prompt_tokens: int,
    reply_tokens: int,
    observation_tokens: int,
    tool_seconds: float = 0.0,
) -> AgentLoad:
    """Cut `text` into a prompt and different observations. Raises UsageError if it is too short."""
    waits = turns - 1  # after the last reply there is no tool
    pieces = slices(text, [prompt_tokens, *[observation_tokens] * (sessions * waits)])
    cut = [pieces[1 + s * waits : 1 + (s + 1) * waits] for s in range(sessions)]
    return AgentLoad(pieces[0], cut, observation_tokens, turns, reply_tokens, tool_seconds)


def equal_share(replies: Replies, recorded: Replies) -> float:
    """How many of all replies are the recorded ones, 0 to 1."""
    pairs = [
        (a, b)
        for mine, theirs in zip(replies, recorded, strict=True)
        for a, b in zip(mine, theirs, strict=True)
    ]
    return sum(a == b for a, b in pairs) / len(pairs)
