"""How the arguments of a call stand in its body, both ways.

The model was trained with bodies of plain text for its own tools (bash, edit,
create, submit). A client's function that is one of these, by its name and its
parameters, gets that body; any other gets its arguments as a JSON object.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from cwm_agent.server.chat.turns import ToolDefinition

_SEARCH, _DIVIDER, _REPLACE = "<<<<<<< SEARCH", "=======", ">>>>>>> REPLACE"
_NAMES = {
    "bash": ("bash", "shell", "run_bash", "execute_bash"),
    "edit": ("edit", "str_replace", "edit_file"),
    "create": ("create", "write", "create_file", "write_file"),
    "submit": ("submit",),
}
_KEYS = {
    "command": ("command", "commands", "cmd", "script"),
    "path": ("path", "file_path", "filename", "file"),
    "old": ("old_lines", "old_string", "old_str", "old_text"),
    "new": ("new_lines", "new_string", "new_str", "new_text"),
    "content": ("content", "file_text", "contents"),
    "result": ("result", "path", "patch", "answer", "output"),
}


class Form(Protocol):
    """One way to write arguments as a body."""

    @property
    def native(self) -> str | None:
        """The model's own name of the tool; None where it has none."""

    def body(self, arguments: Mapping[str, object]) -> str | None:
        """The body that says this; None where this form cannot say it."""

    def arguments(self, body: str) -> dict[str, object] | None:
        """What a whole body says; None where it is malformed."""

    def prefix(self, body: str) -> tuple[str, str] | None:
        """For a body that is still coming: JSON text that is certain to begin the arguments, up to
        the inside of a text, and what of the body belongs into that text. None: not known yet."""

    def ending(self, body: str) -> tuple[str, bool]:
        """For a whole body: the JSON text behind what `prefix` knew of it, and whether the body
        says all arguments. One that is malformed is told without those that are in doubt, so
        that no client takes it for a call that it can carry out."""


@dataclass(frozen=True, slots=True)
class TextForm:
    """The whole body is one argument."""

    native: str
    key: str

    def body(self, arguments: Mapping[str, object]) -> str | None:
        """See Form."""
        return _text(arguments.get(self.key))

    def arguments(self, body: str) -> dict[str, object] | None:
        """See Form."""
        return {self.key: body} if body.strip() else None

    def prefix(self, body: str) -> tuple[str, str] | None:
        """See Form."""
        return (f"{{{json.dumps(self.key)}: " + '"', body) if body.strip() else None

    def ending(self, body: str) -> tuple[str, bool]:
        """See Form."""
        del body
        return '"}', True


@dataclass(frozen=True, slots=True)
class FileForm:
    """A line with a path, then the content."""

    native: str
    path: str
    content: str

    def body(self, arguments: Mapping[str, object]) -> str | None:
        """See Form."""
        path, content = _text(arguments.get(self.path)), _text(arguments.get(self.content))
        if path is None or content is None or "\n" in path:
            return None
        return f"{path}\n{content}"

    def arguments(self, body: str) -> dict[str, object] | None:
        """See Form."""
        path, _, content = body.partition("\n")
        return {self.path: path.strip(), self.content: content} if path.strip() else None

    def prefix(self, body: str) -> tuple[str, str] | None:
        """See Form."""
        path, end, content = body.partition("\n")
        if not end or not path.strip():
            return None
        known = json.dumps({self.path: path.strip()}, ensure_ascii=False)
        return f"{known[:-1]}, {json.dumps(self.content)}: " + '"', content

    def ending(self, body: str) -> tuple[str, bool]:
        """See Form."""
        del body
        return '"}', True


@dataclass(frozen=True, slots=True)
class EditForm:
    """A line with a path, then one block of lines to search and lines to put there."""

    native: str
    path: str
    old: str
    new: str

    def body(self, arguments: Mapping[str, object]) -> str | None:
        """See Form."""
        path, old, new = (_text(arguments.get(key)) for key in (self.path, self.old, self.new))
        if path is None or old is None or new is None or "\n" in path:
            return None
        put = f"{new}\n" if new else ""
        return f"{path}\n{_SEARCH}\n{old}\n{_DIVIDER}\n{put}{_REPLACE}"

    def arguments(self, body: str) -> dict[str, object] | None:
        """See Form. A body with several blocks, or a divider too many, is malformed."""
        path, _, rest = body.partition("\n")
        lines = [line.rstrip() for line in rest.split("\n")]
        marks = (_SEARCH, _DIVIDER, _REPLACE)
        if not path.strip() or any(lines.count(mark) != 1 for mark in marks):
            return None
        search, divider, replace = (lines.index(mark) for mark in marks)
        if not search < divider < replace or any(lines[:search]) or any(lines[replace + 1 :]):
            return None
        raw = rest.split("\n")
        old, new = raw[search + 1 : divider], raw[divider + 1 : replace]
        return {self.path: path.strip(), self.old: "\n".join(old), self.new: "\n".join(new)}

    def prefix(self, body: str) -> tuple[str, str] | None:
        """See Form: the lines to search; those to put there wait until all is known to be well."""
        path, end, rest = body.partition("\n")
        opening, opened, rest = rest.lstrip("\n").partition("\n")
        if not end or not path.strip() or not opened or opening.rstrip() != _SEARCH:
            return None
        lines = rest.split("\n")
        marks = [number for number, line in enumerate(lines) if line.rstrip() == _DIVIDER]
        if marks:
            lines = lines[: marks[0]]
        elif _DIVIDER.startswith(lines[-1].rstrip()):
            lines.pop()  # it may become one
        known = json.dumps({self.path: path.strip()}, ensure_ascii=False)
        return f"{known[:-1]}, {json.dumps(self.old)}: " + '"', "\n".join(lines)

    def ending(self, body: str) -> tuple[str, bool]:
        """See Form."""
        found = self.arguments(body)
        if found is None:
            return '"}', False
        return f'", {json.dumps({self.new: found[self.new]}, ensure_ascii=False)[1:]}', True


@dataclass(frozen=True, slots=True)
class JsonForm:
    """The body is a JSON object."""

    native: None = None

    def body(self, arguments: Mapping[str, object]) -> str | None:
        """See Form."""
        return json.dumps(arguments, ensure_ascii=False)

    def arguments(self, body: str) -> dict[str, object] | None:
        """See Form."""
        try:
            found = json.loads(body) if body.strip() else {}
        except (ValueError, RecursionError):
            return None
        return found if isinstance(found, dict) else None

    def prefix(self, body: str) -> tuple[str, str] | None:
        """See Form: whether it is JSON is known at its end only."""
        del body
        return None

    def ending(self, body: str) -> tuple[str, bool]:
        """See Form: nothing was known, so it is all of it."""
        return body, self.arguments(body) is not None


def form_of(tool: ToolDefinition) -> Form:
    """How the model writes calls of a client's tool."""
    properties = tool.schema.get("properties")
    required = tool.schema.get("required")
    names = list(properties) if isinstance(properties, Mapping) else []
    needed = set(required) if isinstance(required, list) else set()
    native = next((own for own, known in _NAMES.items() if tool.name.lower() in known), None)
    parts = {
        "bash": ("command",),
        "edit": ("path", "old", "new"),
        "create": ("path", "content"),
        "submit": ("result",),
    }.get(native or "", ())
    keys = [_first(_KEYS[part], names) for part in parts]
    if native is None or None in keys or not needed <= set(keys):
        return JsonForm()
    found = [key for key in keys if key is not None]
    if native == "edit":
        return EditForm(native, *found)
    if native == "create":
        return FileForm(native, *found)
    return TextForm(native, *found)


def _first(known: Iterable[str], names: Iterable[str]) -> str | None:
    offered = list(names)
    return next((key for key in known if key in offered), None)


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
