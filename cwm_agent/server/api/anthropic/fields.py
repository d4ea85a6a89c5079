"""Requests to /v1/messages (API reference of Anthropic)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from cwm_agent.server.api.fields import Json, Lenient, Probability, Stop, Text, Tokens


class Block(Lenient):
    """A part of a message; which fields mean something depends on its type."""

    type: str
    text: Text | None = None
    thinking: Text | None = None
    id: str | None = None
    name: str | None = None
    input: Json | None = None
    tool_use_id: str | None = None
    content: Text | list[Block] | None = None


class Message(Lenient):
    """One message."""

    role: Literal["user", "assistant", "system"]
    content: Text | list[Block]


class Tool(Lenient):
    """A tool; those without a schema run at Anthropic and are left out here."""

    name: Annotated[str, Field(pattern=r"^[^\s<>]{1,128}$")]
    description: str | None = None
    input_schema: Json | None = None
    strict: bool | None = None


class ToolChoice(Lenient):
    """Whether a call must come."""

    type: Literal["auto", "any", "tool", "none"]
    name: str | None = None


class Thinking(Lenient):
    """Whether and how long to think."""

    type: str
    budget_tokens: Tokens | None = None


class OutputFormat(Lenient):
    """What the answer must be."""

    type: str
    schema_: Json | None = Field(default=None, alias="schema")


class OutputConfig(Lenient):
    """How much to think, and what the answer must be."""

    effort: str | None = None
    format: OutputFormat | None = None


class CountRequest(Lenient):
    """A conversation whose tokens are to be counted."""

    model: str | None = None
    messages: Annotated[list[Message], Field(min_length=1, max_length=2**16)]
    system: Text | list[Block] | None = None
    tools: list[Tool] | None = None
    tool_choice: ToolChoice | None = None
    thinking: Thinking | None = None
    output_config: OutputConfig | None = None


class MessagesRequest(CountRequest):
    """See the module."""

    max_tokens: Tokens
    temperature: Annotated[float, Field(ge=0, le=100)] | None = None
    top_p: Probability | None = None
    top_k: Annotated[int, Field(ge=0, lt=2**31)] | None = None
    stop_sequences: Annotated[list[Stop], Field(max_length=16)] | None = None
    stream: bool | None = None


Block.model_rebuild()
