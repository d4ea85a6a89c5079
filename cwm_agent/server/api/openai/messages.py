"""From the messages and tools of a chat request to a conversation."""

from __future__ import annotations

import json
from collections.abc import Sequence

from cwm_agent.server.api.openai.fields import ChatMessage, ChatRequest, NamedTool, Part
from cwm_agent.server.api.openai.fields import Tool as ToolField
from cwm_agent.server.api.sampling import response_grammar, sampled, stops, thinking
from cwm_agent.server.chat.turns import ToolCall, ToolChoice, ToolDefinition, Turn
from cwm_agent.server.errors import RequestError
from cwm_agent.server.wanted import Wanted
from model.text.chat import THINK_CLOSE, THINK_OPEN


def wanted_of(request: ChatRequest, job: str) -> Wanted:
    """What a chat request asks for; raises RequestError."""
    effort = request.reasoning_effort
    if request.reasoning is not None:
        effort = request.reasoning.effort or effort
        effort = "none" if request.reasoning.enabled is False else effort
    template = request.chat_template_kwargs or {}
    thinks, bound = thinking(effort, template)
    found = request.response_format
    schema = found.json_schema.schema_ if found and found.json_schema else None
    return Wanted(
        turns=turns_of(request.messages, written=bool(request.text_tool_calls)),
        tools=() if request.text_tool_calls else definitions(request.tools or ()),
        choice=choice_of(request.tool_choice),
        sampled=sampled(request),
        max_tokens=request.max_completion_tokens or request.max_tokens,
        n=request.n or 1,
        stops=stops(request),
        stop_ids=tuple(request.stop_token_ids or ()),
        ignore_eos=bool(request.ignore_eos),
        logprobs=(request.top_logprobs or 0) if request.logprobs else None,
        thinking=thinks,
        thoughts=bound,
        keep_thoughts=template.get("preserve_previous_think") is not False,
        grammar=response_grammar(found.type if found else None, schema),
        written=bool(request.text_tool_calls),
        stop_after_call=bool(request.text_tool_calls and request.stop_after_tool_call),
        job=job,
    )


def turns_of(messages: Sequence[ChatMessage], *, written: bool = False) -> list[Turn]:
    """The conversation; the name of a result's tool is that of the call with its id, or its own.

    `written`: they are what the model reads.
    """
    turns: list[Turn] = []
    names: dict[str, str] = {}
    for message in messages:
        text = _text(message.content)
        if message.role == "assistant" and written:
            turns.append(Turn("assistant", text, written=True))
        elif message.role == "assistant":
            turns.append(_answer(message, text, names))
        elif message.role in ("tool", "function"):
            name = names.get(message.tool_call_id or "") or message.name or "tool"
            turns.append(Turn("tool", text, tool=name, written=written))
        elif message.role == "user":
            turns.append(Turn("user", text))
        else:
            turns.append(Turn("system", text, written=written))
    return turns


def _answer(message: ChatMessage, text: str, names: dict[str, str]) -> Turn:
    calls = []
    for number, call in enumerate(message.tool_calls or ()):
        arguments = call.function.arguments
        written = arguments if isinstance(arguments, str) else json.dumps(arguments or {})
        identity = call.id or f"call_{number}"
        names[identity] = call.function.name
        calls.append(ToolCall(identity, call.function.name, written))
    reasoning = message.reasoning if message.reasoning is not None else message.reasoning_content
    if reasoning is None and text.startswith(THINK_OPEN) and THINK_CLOSE in text:
        thought, _, text = text.removeprefix(THINK_OPEN).partition(THINK_CLOSE)
        reasoning, text = thought.strip(), text.lstrip()
    return Turn("assistant", text, reasoning, tuple(calls))


def definitions(tools: Sequence[ToolField]) -> list[ToolDefinition]:
    """The functions among the tools; raises RequestError for a tool of another type."""
    found = []
    for tool in tools:
        if tool.function is None:
            raise RequestError(
                f"a tool of type {tool.type!r:.40} is not known here; only functions are",
                param="tools",
            )
        function = tool.function
        found.append(
            ToolDefinition(
                function.name,
                function.description or "",
                function.parameters or {},
                strict=bool(function.strict),
            )
        )
    return found


def choice_of(choice: str | NamedTool | None) -> ToolChoice:
    """Whether a call must come."""
    if isinstance(choice, NamedTool):
        return ToolChoice("named", choice.function.name)
    kinds = {"none": ToolChoice("none"), "required": ToolChoice("required")}
    return kinds.get(choice or "auto", ToolChoice("auto"))


def _text(content: str | list[Part] | None) -> str:
    if content is None or isinstance(content, str):
        return content or ""
    for part in content:
        if part.text is None and part.type != "refusal":
            raise RequestError(
                f"a part of type {part.type!r:.40} cannot be read; this model reads text only",
                param="messages",
            )
    return "\n".join(part.text or "" for part in content)
