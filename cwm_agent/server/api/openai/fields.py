"""Requests to /v1/chat/completions and /v1/completions (API reference of OpenAI; vLLM's extras)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from cwm_agent.server.api.fields import Json, Lenient, SamplingFields, Text, TokenId, Tokens


class Part(Lenient):
    """A part of a message's content."""

    type: str
    text: Text | None = None


class Function(Lenient):
    """A call's function."""

    name: str
    arguments: Text | Json | None = None


class Call(Lenient):
    """A call in an answer of the past."""

    id: str | None = None
    function: Function


class ChatMessage(Lenient):
    """One message; which fields mean something depends on its role."""

    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: Text | list[Part] | None = None
    reasoning: Text | None = None
    reasoning_content: Text | None = None
    tool_calls: list[Call] | None = None
    tool_call_id: str | None = None
    name: str | None = None


class FunctionTool(Lenient):
    """A function's definition."""

    name: Annotated[str, Field(pattern=r"^[^\s<>]{1,128}$")]
    description: str | None = None
    parameters: Json | None = None
    strict: bool | None = None


class Tool(Lenient):
    """A tool; only functions are known."""

    type: str = "function"
    function: FunctionTool | None = None


class NamedFunction(Lenient):
    """The name of a function."""

    name: str


class NamedTool(Lenient):
    """The tool that must be called."""

    type: str = "function"
    function: NamedFunction


class JsonSchema(Lenient):
    """The schema of an answer."""

    schema_: Json | None = Field(default=None, alias="schema")


class ResponseFormat(Lenient):
    """What the answer must be."""

    type: str
    json_schema: JsonSchema | None = None


class ReasoningOptions(Lenient):
    """How much to think."""

    effort: str | None = None
    enabled: bool | None = None


class ChatRequest(SamplingFields):
    """See the module.

    With `text_tool_calls` the client speaks the model's grammar itself: system prompts and
    results of tools are what the model reads, answers are all text, with thoughts and calls.
    With `stop_after_tool_call` an answer ends behind its first call.
    """

    model: str | None = None
    messages: Annotated[list[ChatMessage], Field(min_length=1, max_length=2**16)]
    max_tokens: Tokens | None = None
    max_completion_tokens: Tokens | None = None
    logprobs: bool | None = None
    top_logprobs: Annotated[int, Field(ge=0, le=20)] | None = None
    tools: list[Tool] | None = None
    tool_choice: Literal["none", "auto", "required"] | NamedTool | None = None
    response_format: ResponseFormat | None = None
    reasoning_effort: str | None = None
    reasoning: ReasoningOptions | None = None
    chat_template_kwargs: Json | None = None
    text_tool_calls: bool | None = None
    stop_after_tool_call: bool | None = None


class CompletionRequest(SamplingFields):
    """See the module. A prompt is text or token ids, or several of either."""

    model: str | None = None
    prompt: Text | list[TokenId] | list[Text] | list[list[TokenId]]
    max_tokens: Tokens | None = None
    logprobs: Annotated[int, Field(ge=0, le=20)] | None = None
    echo: bool | None = None
