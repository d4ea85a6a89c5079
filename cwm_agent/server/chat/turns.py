"""What is said in a conversation, in no protocol's own words."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Role = Literal["system", "user", "assistant", "tool"]


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call by the client's name of the tool; `arguments` is JSON text."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Turn:
    """One message. `reasoning` None: the client does not say what was thought.

    `tool` is the client's name of the tool whose result this is. `written`: the
    text is what the model reads, nothing is put around it.
    """

    role: Role
    text: str = ""
    reasoning: str | None = None
    calls: tuple[ToolCall, ...] = ()
    tool: str = ""
    written: bool = False


@dataclass(frozen=True, slots=True)
class ToolDefinition:
    """A tool that the client offers; `schema` is the JSON Schema of its arguments.

    `strict`: a call's arguments must follow it.
    """

    name: str
    description: str = ""
    schema: Mapping[str, object] = field(default_factory=dict)
    strict: bool = False


@dataclass(frozen=True, slots=True)
class ToolChoice:
    """Whether a call must come: never, as the model likes, some call, or the one of `name`."""

    kind: Literal["none", "auto", "required", "named"] = "auto"
    name: str = ""


@dataclass(frozen=True, slots=True)
class Thought:
    """The next part of the reasoning."""

    text: str


@dataclass(frozen=True, slots=True)
class Said:
    """The next part of the answer's text."""

    text: str


@dataclass(frozen=True, slots=True)
class CallBegun:
    """A call; its arguments follow, in pieces of JSON text."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class CallArguments:
    """The next part of the arguments of the call begun last."""

    text: str


Delta = Thought | Said | CallBegun | CallArguments


@dataclass(slots=True)
class Whole:
    """An answer put together from its deltas."""

    reasoning: str = ""
    text: str = ""
    calls: list[ToolCall] = field(default_factory=list)

    def take(self, delta: Delta) -> None:
        """Add the next delta."""
        match delta:
            case Thought(text):
                self.reasoning += text
            case Said(text):
                self.text += text
            case CallBegun(id, name):
                self.calls.append(ToolCall(id, name, ""))
            case CallArguments(text):
                last = self.calls[-1]
                self.calls[-1] = ToolCall(last.id, last.name, last.arguments + text)

    def turn(self) -> Turn:
        """The message that a client would send back."""
        return Turn("assistant", self.text, self.reasoning, tuple(self.calls))


def canonical(arguments: str) -> str:
    """JSON text in one form, whatever its blanks and the order of its keys; other text as it is."""
    try:
        return json.dumps(json.loads(arguments), sort_keys=True, ensure_ascii=False)
    except ValueError:
        return arguments
