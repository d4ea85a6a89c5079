"""From the messages and tools of Anthropic's protocol to a conversation."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from cwm_agent.server.api.anthropic.fields import Block, CountRequest, Message, MessagesRequest
from cwm_agent.server.api.sampling import response_grammar, thinking
from cwm_agent.server.chat.turns import ToolCall, ToolChoice, ToolDefinition, Turn
from cwm_agent.server.errors import RequestError
from cwm_agent.server.wanted import Sampled, Wanted


def wanted_of(request: CountRequest, job: str) -> Wanted:
    """What a request asks for; raises RequestError."""
    thinks, bound = _thinking(request)
    choice = request.tool_choice
    config = request.output_config
    kinds = {"any": "required", "none": "none", "tool": "named"}
    found = config.format if config else None
    full = request if isinstance(request, MessagesRequest) else None
    return Wanted(
        turns=turns_of(request),
        tools=[
            ToolDefinition(
                tool.name, tool.description or "", tool.input_schema, strict=bool(tool.strict)
            )
            for tool in request.tools or ()
            if tool.input_schema is not None
        ],
        choice=ToolChoice(kinds.get(choice.type, "auto"), choice.name or "")  # type: ignore[arg-type]
        if choice
        else ToolChoice(),
        sampled=Sampled(full.temperature, full.top_p, full.top_k or 0) if full else Sampled(),
        max_tokens=full.max_tokens if full else None,
        stops=tuple(full.stop_sequences or ()) if full else (),
        thinking=thinks,
        thoughts=bound,
        grammar=response_grammar(found.type if found else None, found.schema_ if found else None),
        job=job,
    )


def turns_of(request: CountRequest) -> list[Turn]:
    """The conversation; where blocks are marked for caching changes nothing."""
    turns: list[Turn] = []
    if request.system is not None:
        turns.append(Turn("system", _text(request.system)))
    names: dict[str, str] = {}
    for message in request.messages:
        if message.role == "assistant":
            turns.append(_answer(message, names))
        elif message.role == "system":
            turns.append(Turn("system", _text(message.content)))
        else:
            turns += _spoken(message, names)
    return turns


def _answer(message: Message, names: dict[str, str]) -> Turn:
    if isinstance(message.content, str):
        return Turn("assistant", message.content)
    thoughts = [b.thinking or "" for b in message.content if b.type == "thinking"]
    texts = [block.text or "" for block in message.content if block.type == "text"]
    calls = []
    for block in message.content:
        if block.type == "tool_use" and block.name:
            names[block.id or ""] = block.name
            written = json.dumps(block.input or {}, ensure_ascii=False)
            calls.append(ToolCall(block.id or "", block.name, written))
    reasoning = "\n".join(thoughts) if thoughts else None
    return Turn("assistant", "".join(texts), reasoning, tuple(calls))


def _spoken(message: Message, names: dict[str, str]) -> Iterator[Turn]:
    """Results of tools each for itself, texts between them together."""
    if isinstance(message.content, str):
        yield Turn("user", message.content)
        return
    texts: list[str] = []
    for block in message.content:
        if block.type == "tool_result":
            if texts:
                yield Turn("user", "\n".join(texts))
                texts = []
            name = names.get(block.tool_use_id or "", "tool")
            yield Turn("tool", _text(block.content or ""), tool=name)
        else:
            texts.append(_block_text(block))
    if texts:
        yield Turn("user", "\n".join(texts))


def _text(content: str | Sequence[Block]) -> str:
    if isinstance(content, str):
        return content
    return "\n".join(_block_text(block) for block in content)


def _block_text(block: Block) -> str:
    if block.text is None:
        raise RequestError(
            f"a block of type {block.type!r:.40} cannot be read here; this model reads text only",
            param="messages",
        )
    return block.text


def _thinking(request: CountRequest) -> tuple[bool, int | None]:
    """Without a word of the client the model thinks: it was trained to."""
    config, wanted = request.output_config, request.thinking
    thinks, bound = thinking(config.effort if config else None, None)
    if wanted is not None and wanted.type == "disabled":
        return False, None
    if wanted is not None and wanted.budget_tokens:
        return True, wanted.budget_tokens
    return thinks, bound
