"""Grammars that make a call certain, in llguidance's dialect of Lark."""

from __future__ import annotations

import json

from cwm_agent.server.chat.forms import JsonForm
from cwm_agent.server.chat.toolset import Tool, ToolSet
from cwm_agent.server.engine.messages import Grammar


def call_grammar(tools: ToolSet, name: str | None) -> Grammar:
    """A call of any tool, or of the client's tool `name`; raises KeyError when it has none.

    The arguments of tools that take JSON follow their schema.
    """
    chosen = list(tools.by_own_name.values()) if name is None else [tools.by_client_name[name]]
    rules = [_rule(number, tool) for number, tool in enumerate(chosen)]
    start = " | ".join(f"call{number}" for number in range(len(chosen)))
    return Grammar("lark", "\n".join([f"start: /\\n{{0,2}}/ ({start})", *rules]))


def _rule(number: int, tool: Tool) -> str:
    opening = json.dumps(f"<tool: {tool.name}>\n")
    if not isinstance(tool.form, JsonForm):
        return f"call{number}: {opening} /[^\\n ]/ /(.|\\n)*/"
    schema = json.dumps({"type": "object", **tool.definition.schema})
    closing = json.dumps("\n</tool>")
    return f"call{number}: {opening} arguments{number} {closing}\narguments{number}: %json {schema}"
