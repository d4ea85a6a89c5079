"""Grammars that make calls certain, or well-formed, in llguidance's dialect of Lark."""

from __future__ import annotations

import json

from cwm_agent.server.chat.forms import JsonForm
from cwm_agent.server.chat.toolset import Tool, ToolSet
from cwm_agent.server.engine.messages import JSON_OPTIONS, Grammar

_OPEN = "<tool:"


def call_grammar(tools: ToolSet, name: str | None) -> Grammar:
    """A call of any tool, or of the client's tool `name`; raises KeyError when it has none.

    The arguments of tools that take JSON follow their schema.
    """
    chosen = list(tools.by_own_name.values()) if name is None else [tools.by_client_name[name]]
    rules = [_rule(number, tool, strict=True) for number, tool in enumerate(chosen)]
    start = f"start: /\\n{{0,2}}/ {json.dumps(_OPEN)} ({_any_of(chosen)})"
    return Grammar("lark", "\n".join([start, *rules]))


def strict_grammar(tools: ToolSet) -> Grammar | None:
    """Any answer whose call, if it has one, is well-formed; None where no tool is strict.

    Tools that take plain text always get what their schema says.
    """
    offered = list(tools.by_own_name.values())
    if not any(tool.definition.strict and isinstance(tool.form, JsonForm) for tool in offered):
        return None
    rules = [_rule(n, tool, strict=tool.definition.strict) for n, tool in enumerate(offered)]
    return Grammar(
        "lark",
        "\n".join(
            [
                f"start: PLAIN | before ({_any_of(offered)})",
                f"PLAIN: /(?s:.*)/ & ~/(?s:.*){_OPEN}(?s:.*)/",
                f"before[suffix={json.dumps(_OPEN)}]: /(?s:.*)/",
                *rules,
            ]
        ),
    )


def _any_of(tools: list[Tool]) -> str:
    return " | ".join(f"call{number}" for number in range(len(tools)))


def _rule(number: int, tool: Tool, *, strict: bool) -> str:
    """What follows the beginning of the opening tag."""
    opening = json.dumps(f" {tool.name}>\n")
    if not strict or not isinstance(tool.form, JsonForm):
        return f"call{number}: {opening} /[^\\n ]/ /(.|\\n)*/"
    schema = json.dumps({"type": "object", "x-guidance": JSON_OPTIONS, **tool.definition.schema})
    closing = json.dumps("\n</tool>")
    return f"call{number}: {opening} arguments{number} {closing}\narguments{number}: %json {schema}"
