"""The tools of one request: what the model reads of them, and calls in its grammar."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from cwm_agent.server.chat.forms import Form, JsonForm, form_of
from cwm_agent.server.chat.turns import ToolCall, ToolDefinition
from tools.parsing import CLOSE
from tools.texts import Texts


@dataclass(frozen=True, slots=True)
class Tool:
    """A client's tool, the model's `name` for it, and how its arguments are written."""

    definition: ToolDefinition
    name: str
    form: Form


class ToolSet:
    """All tools of a request. The first that claims one of the model's own names gets it."""

    def __init__(self, definitions: Sequence[ToolDefinition] = ()) -> None:
        self.by_own_name: dict[str, Tool] = {}
        self.by_client_name: dict[str, Tool] = {}
        clients = {definition.name for definition in definitions}
        for definition in definitions:
            form = form_of(definition)
            name = form.native or definition.name
            if name in self.by_own_name or (name != definition.name and name in clients):
                form, name = JsonForm(), definition.name
            tool = Tool(definition, name, form)
            self.by_own_name[name] = self.by_client_name[definition.name] = tool

    def __bool__(self) -> bool:
        """Whether there is any."""
        return bool(self.by_own_name)

    def own_name(self, client_name: str) -> str:
        """The model's name of a tool; one that is not offered (any more) keeps its own."""
        tool = self.by_client_name.get(client_name)
        return tool.name if tool else client_name

    def schemas(self) -> Iterator[str]:
        """What the model reads of the parameters, as JSON, and of what tools are for."""
        for tool in self.by_own_name.values():
            if tool.form.native is None:
                yield json.dumps(tool.definition.schema, ensure_ascii=False)
                yield tool.definition.description

    def described(self, texts: Texts) -> str:
        """What the model reads of them."""
        parts = [self._described(tool, texts) for tool in self.by_own_name.values()]
        return texts.render("serve.tools", tools="\n\n".join(parts))

    def call_text(self, call: ToolCall) -> str:
        """A call as the model writes it."""
        tool = self.by_client_name.get(call.name)
        body = None
        if tool is not None and not isinstance(tool.form, JsonForm):
            body = tool.form.body(_object(call.arguments))
        name = call.name if tool is None else tool.name
        return f"<tool: {name}>\n{call.arguments if body is None else body}\n{CLOSE}"

    @staticmethod
    def _described(tool: Tool, texts: Texts) -> str:
        if tool.form.native is not None:
            return texts.render(f"environment.tool.{tool.form.native}")
        definition = tool.definition
        return texts.render(
            "serve.tool",
            name=definition.name,
            description=definition.description,
            schema=json.dumps(definition.schema, ensure_ascii=False),
        )


def _object(text: str) -> Mapping[str, object]:
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
