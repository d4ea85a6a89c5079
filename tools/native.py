"""Tools as functions of a chat API, and their calls as bodies of the text grammar.

A tool's form turns arguments into a body. A prompt pack may describe a tool by an
example call and by what follows it; a function is described by the latter.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tools.parsing import CLOSE
from tools.registry import tool_spec
from tools.texts import Texts


@dataclass(frozen=True, slots=True)
class Function:
    """A tool as a chat API takes it: `parameters` is a JSON Schema; `form` makes a body."""

    name: str
    description: str
    parameters: Mapping[str, object]
    form: str


def functions(names: Sequence[str], texts: Texts) -> tuple[Function, ...]:
    """The tools of these names as functions; raises UnknownToolError and TextError."""
    return tuple(
        Function(name, _description(name, texts), tool_spec(name).schema, tool_spec(name).form)
        for name in names
    )


def described(name: str, texts: Texts) -> str:
    """A tool in the system message of a model that gets it as a function."""
    return f"{name}: {_description(name, texts)}"


def body_of(function: Function, arguments: object) -> str | None:
    """The body of a call with these arguments; None where they are not those of the function.

    A single argument may have another name. An argument of another type is as JSON writes it
    only where that is a number or a truth value. An empty argument leaves no line in the body.
    """
    if not isinstance(arguments, dict):
        return None
    properties = function.parameters["properties"]
    assert isinstance(properties, dict)
    if len(properties) == len(arguments) == 1:
        arguments = dict(zip(properties, arguments.values(), strict=True))
    if properties.keys() - arguments.keys():
        return None
    values: dict[str, str] = {}
    for name in properties:
        value = arguments[name]
        if not isinstance(value, str):
            return None
        values[name] = value
    return _filled(function.form, values)


def call_text(name: str, body: str) -> str:
    """A call in the text grammar."""
    return f"<tool: {name}>\n{body}\n{CLOSE}"


def _description(name: str, texts: Texts) -> str:
    """What is said after the example call; all there is where the pack shows none."""
    text = texts.render(tool_spec(name).text_key)
    _, shown, description = text.partition(f"\n{CLOSE}")
    return description.strip() if shown else text.strip()


def _filled(form: str, values: Mapping[str, str]) -> str:
    *before, last = form.split("\n")
    lines: list[str] = []
    for number, line in enumerate([*before, last]):
        placeholder = re.fullmatch(r"\[(\w+)\]", line)
        value = values.get(placeholder[1]) if placeholder else None
        if value is None:
            lines.append(line)
        elif value:  # between other lines a final line break would be one line more
            lines.append(value if number == len(before) else value.removesuffix("\n"))
    return "\n".join(lines)
