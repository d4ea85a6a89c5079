"""What is asked of a chat API and what it says, whichever API it is."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from cwm_agent.parsing import parse_json
from results.records import Finish, FunctionCall, Message, Reply
from tools.native import Function, body_of, call_text
from tools.parsing import CLOSE, THINK_END

OPEN = "<tool:"
_THINK = "<think>"


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """The conversation so far and how to go on with it.

    `functions` are tools to be called natively; without them calls stand in the
    text, and `stop_after_call` ends it there. `seed` is of this reply alone.
    `as_read`: the server takes messages as the model reads them, and answers so.
    """

    history: Sequence[Message | Reply]
    functions: Sequence[Function]
    max_tokens: int
    temperature: float
    top_p: float
    seed: int
    stop_after_call: bool
    as_read: bool = False


@dataclass(frozen=True, slots=True)
class Call:
    """A function call as it came; `arguments` is a JSON text or what it holds."""

    name: str
    arguments: object


@dataclass(frozen=True, slots=True)
class Said:
    """A whole answer. `message` is what a later request sends back; counts None: not told."""

    message: dict[str, Any]
    text: str
    finish: Finish
    reasoning: str = ""
    calls: tuple[Call, ...] = ()
    prompt_tokens: int | None = None
    cached_tokens: int | None = None
    written_tokens: int | None = None
    cost: float | None = None


@dataclass(frozen=True, slots=True)
class ChatPiece:
    """A sign of life, or at the end the answer."""

    said: Said | None = None

    @property
    def prompt_tokens(self) -> int | None:
        """Tokens of the whole prompt."""
        return self.said.prompt_tokens if self.said else None

    @property
    def cached_tokens(self) -> int | None:
        """Those of them that the server had in its cache."""
        return self.said.cached_tokens if self.said else None


@dataclass(slots=True)
class ChatAnswer:
    """See `cwm_agent.policies.endpoint.client.Answers`: of one that breaks off nothing is kept."""

    finish: Finish | None = None
    ended_here: bool = field(default=False, init=False)
    said: Said | None = None

    def take(self, piece: ChatPiece) -> int:
        """The next piece; returns how many tokens the server counted."""
        if piece.said is None:
            return 0
        self.said, self.finish = piece.said, piece.said.finish
        return piece.said.written_tokens or 0

    def break_off(self) -> bool:
        """Begin anew."""
        return False


def arguments_of(call: Call) -> object:
    """The arguments of a call; None where they are no JSON."""
    if not isinstance(call.arguments, str):
        return call.arguments
    try:
        return parse_json(call.arguments or "{}")
    except ValueError:
        return None


def native_calls(calls: Sequence[Call], functions: Sequence[Function]) -> list[FunctionCall]:
    """Calls with the bodies that the text grammar would have."""
    known = {function.name: function for function in functions}
    return [
        FunctionCall(
            call.name,
            body_of(known[call.name], arguments_of(call)) if call.name in known else None,
        )
        for call in calls
    ]


def shown(text: str, calls: Sequence[FunctionCall]) -> str:
    """A reply whose calls were native, in the text grammar: for the eye, and for other policies."""
    parts = [text.strip(), *(call_text(call.name, call.body or "") for call in calls)]
    return "\n".join(part for part in parts if part)


def split_thought(text: str) -> tuple[str, str]:
    """Thought and answer of a text in which a server left both; the first mark ends the thought."""
    thought, end, answer = text.partition(THINK_END)
    if end:
        return thought.strip().removeprefix(_THINK).strip(), answer.lstrip("\n")
    if text.lstrip().startswith(_THINK):
        return text.strip().removeprefix(_THINK), ""
    return "", text


def closed(answer: str, *, stopped: bool) -> str:
    """An answer up to the end of its first call; a server that `stopped` there left the end out."""
    opened = answer.find(OPEN)
    end = answer.find(CLOSE, opened) if opened >= 0 else -1
    if end >= 0:
        return answer[: end + len(CLOSE)]
    if opened >= 0 and stopped:
        return f"{answer.removesuffix(chr(10))}\n{CLOSE}"
    return answer


def stored(message: dict[str, Any]) -> str:
    """A message as a journal keeps it."""
    return json.dumps(message, ensure_ascii=False)
