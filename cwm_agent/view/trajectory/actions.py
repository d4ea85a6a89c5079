"""What a call asks for, read for people: the parser that acts (`tools.parsing`) is stricter."""

from __future__ import annotations

import re
from collections.abc import Mapping

from cwm_agent.view.trajectory.trajectory import Action, Kind

_CALL = re.compile(r"<tool:[ \t]*([^\s<>]+)[ \t]*>[ \t]*\n?(.*?)(?:\n?</tool>|\Z)", re.DOTALL)
_EDIT = re.compile(
    r"^<{5,9} SEARCH[ \t]*\n(.*?)\n?^={5,9}[ \t]*\n(.*?)\n?^>{5,9} REPLACE[ \t]*$",
    re.DOTALL | re.MULTILINE,
)
THINK_END = "</think>"
_KINDS: Mapping[str, Kind] = {
    "bash": "bash", "execute_bash": "bash", "shell": "bash", "terminal": "bash", "run": "bash",
    "edit": "edit", "str_replace": "edit", "insert": "edit", "create": "create", "write": "create",
    "submit": "submit", "finish": "submit",
}  # fmt: skip


def kind_of(tool: str) -> Kind:
    """What a tool of that name does, as far as its name says."""
    return _KINDS.get(tool.lower(), "other") if tool else "none"


def split_reply(text: str) -> tuple[str, str, tuple[str, str] | None]:
    """A reply as thinking, prose, and the call (name, body) if there is one."""
    before, end, after = text.partition(THINK_END)
    thinking, answer = (before, after) if end else ("", text)
    thinking = thinking.removeprefix("<think>").strip("\n")
    found = _CALL.search(answer)
    if found is None:
        return thinking, answer.strip("\n"), None
    around = (answer[: found.start()].strip("\n"), answer[found.end() :].strip("\n"))
    return thinking, "\n".join(part for part in around if part), (found[1], found[2])


def action_of(tool: str, body: str) -> Action:
    """The action of a call in CWM's grammar."""
    kind = kind_of(tool)
    if kind == "edit":
        path, _, rest = body.lstrip("\n").partition("\n")
        if found := _EDIT.search(rest):
            return Action(kind, tool, body, path.strip(), found[1], found[2])
        return Action(kind, tool, body, path.strip())
    if kind == "create":
        path, _, content = body.lstrip("\n").partition("\n")
        return Action(kind, tool, body, path.strip(), replace=content)
    return Action(kind, tool, body)


def action_of_arguments(tool: str, arguments: Mapping[str, object]) -> Action:
    """The action of a call with named arguments, as other programs record it."""
    said = {name.lower(): str(value) for name, value in arguments.items() if value is not None}

    def first(*names: str) -> str:
        return next((said[name] for name in names if name in said), "")

    path = first("path", "file_path", "file", "filename")
    old = first("search", "old_str", "old_string")
    new = first("replace", "new_str", "new_string", "file_text", "content", "text")
    command = first("command", "cmd", "keystrokes", "code")
    kind = kind_of(tool)
    if kind == "other" and path and (old or command in ("str_replace", "insert")):
        kind = "edit"
    elif kind == "other" and path and (new or command == "create"):
        kind = "create"
    elif kind == "other" and command and not path:
        kind = "bash"
    body = command if kind == "bash" else _body(path, old, new, said)
    return Action(kind, tool, body, path, old, new)


def _body(path: str, old: str, new: str, said: Mapping[str, str]) -> str:
    if old:
        return f"{path}\n<<<<<<< SEARCH\n{old}\n=======\n{new}\n>>>>>>> REPLACE"
    if path and new:
        return f"{path}\n{new}"
    return "\n".join(
        value if len(said) == 1 else f"{name}: {value}" for name, value in said.items()
    )


def headline(action: Action) -> str:
    """The first line that tells a call from others; may hold anything."""
    if action.path:
        return action.path
    lines = [line for line in action.body.split("\n", 40)[:40] if line.strip()]
    if not lines:
        return ""
    more = len(lines) > 1
    return lines[0].strip() + (" …" if more else "")


def called(reply: str) -> str:
    """Tool and headline of the call in a reply, "" without one; may hold anything."""
    _, _, call = split_reply(reply)
    return f"{call[0]} {headline(action_of(*call))}".strip() if call else ""
