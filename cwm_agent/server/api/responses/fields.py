"""Requests to /v1/responses (API reference of OpenAI; Open Responses)."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from cwm_agent.server.api.fields import (
    Json,
    Lenient,
    Probability,
    Seed,
    Temperature,
    Text,
    Tokens,
)
from cwm_agent.server.api.openai.fields import ReasoningOptions


class Content(Lenient):
    """A part of an item."""

    type: str
    text: Text | None = None


class Item(Lenient):
    """A message, a call, a result or a thought; which fields mean something depends on its type."""

    type: str | None = None
    role: str | None = None
    content: Text | list[Content] | None = None
    summary: list[Content] | None = None
    call_id: str | None = None
    name: str | None = None
    arguments: Text | None = None
    output: Text | list[Content] | None = None


class Tool(Lenient):
    """A tool; those that are no functions run at OpenAI and are left out here."""

    type: str
    name: str | None = None
    description: str | None = None
    parameters: Json | None = None
    strict: bool | None = None


class NamedTool(Lenient):
    """The tool that must be called."""

    type: str
    name: str | None = None


class TextFormat(Lenient):
    """What the answer must be."""

    type: str
    schema_: Json | None = Field(default=None, alias="schema")


class TextOptions(Lenient):
    """About the answer's text."""

    format: TextFormat | None = None


class ResponsesRequest(Lenient):
    """See the module."""

    model: str | None = None
    input: Text | list[Item]
    instructions: Text | None = None
    previous_response_id: str | None = None
    store: bool | None = None
    tools: list[Tool] | None = None
    tool_choice: str | NamedTool | None = None
    temperature: Temperature | None = None
    top_p: Probability | None = None
    seed: Seed | None = None
    max_output_tokens: Tokens | None = None
    reasoning: ReasoningOptions | None = None
    text: TextOptions | None = None
    stream: bool | None = None
    metadata: Annotated[dict[str, str], Field(max_length=64)] | None = None
