"""From the items of a request to a conversation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from cwm_agent.server.api.responses.fields import Content, Item, NamedTool, ResponsesRequest
from cwm_agent.server.api.sampling import response_grammar, thinking
from cwm_agent.server.chat.turns import ToolCall, ToolChoice, ToolDefinition, Turn
from cwm_agent.server.errors import RequestError
from cwm_agent.server.wanted import Sampled, Wanted


def wanted_of(request: ResponsesRequest, turns: Sequence[Turn], job: str) -> Wanted:
    """What a request asks for, where `turns` are the whole conversation; raises RequestError."""
    effort = request.reasoning.effort if request.reasoning else None
    thinks, bound = thinking(effort, None)
    found = request.text.format if request.text else None
    opening = [Turn("system", request.instructions)] if request.instructions else []
    return Wanted(
        turns=[*opening, *turns],
        tools=[
            ToolDefinition(
                tool.name, tool.description or "", tool.parameters or {}, strict=bool(tool.strict)
            )
            for tool in request.tools or ()
            if tool.type == "function" and tool.name
        ],
        choice=_choice(request.tool_choice),
        sampled=Sampled(request.temperature, request.top_p, seed=request.seed),
        max_tokens=request.max_output_tokens,
        thinking=thinks,
        thoughts=bound,
        grammar=response_grammar(found.type if found else None, found.schema_ if found else None),
        job=job,
    )


def turns_of(given: str | Sequence[Item], before: Sequence[Turn]) -> list[Turn]:
    """What is new in a request; results refer to calls in it or `before` it.

    What the model said in one turn comes as several items. Items of types that
    are not known here are left out.
    """
    if isinstance(given, str):
        return [Turn("user", given)]
    turns: list[Turn] = []
    names = {call.id: call.name for turn in before for call in turn.calls}
    for item in given:
        kind = item.type or "message"
        if kind == "reasoning":
            _join(turns, Turn("assistant", reasoning=_text(item.content or item.summary)))
        elif kind == "message" and item.role == "assistant":
            _join(turns, Turn("assistant", _text(item.content)))
        elif kind == "function_call" and item.name:
            call = ToolCall(item.call_id or "", item.name, item.arguments or "{}")
            names[call.id] = call.name
            _join(turns, Turn("assistant", calls=(call,)))
        elif kind == "function_call_output":
            name = names.get(item.call_id or "", "tool")
            turns.append(Turn("tool", _text(item.output), tool=name))
        elif kind == "message":
            role = "system" if item.role in ("system", "developer") else "user"
            turns.append(Turn(role, _text(item.content)))  # type: ignore[arg-type]
    return turns


def _join(turns: list[Turn], part: Turn) -> None:
    """Add a part of an answer to the one that is being put together, or begin one.

    A thought begins an answer, and nothing follows a call in one.
    """
    last = turns[-1] if turns else None
    if last is None or last.role != "assistant" or part.reasoning is not None or last.calls:
        turns.append(part)
        return
    turns[-1] = replace(last, text=last.text + part.text, calls=part.calls)


def _choice(choice: str | NamedTool | None) -> ToolChoice:
    if isinstance(choice, NamedTool):
        return ToolChoice("named", choice.name or "") if choice.name else ToolChoice()
    if choice in (None, "auto"):
        return ToolChoice()
    if choice in ("none", "required"):
        return ToolChoice("none" if choice == "none" else "required")
    raise RequestError(f"tool_choice {choice!r:.40} is unknown", param="tool_choice")


def _text(content: str | Sequence[Content] | None) -> str:
    if content is None or isinstance(content, str):
        return content or ""
    for part in content:
        if part.text is None and part.type != "refusal":
            raise RequestError(
                f"a part of type {part.type!r:.40} cannot be read; this model reads text only",
                param="input",
            )
    return "\n".join(part.text or "" for part in content)
