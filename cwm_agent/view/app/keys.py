"""Every key: its name for remapping, what it does, and where the help lists it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from textual.binding import Binding, BindingType


@dataclass(frozen=True, slots=True)
class Key:
    """`name` is its id in the setting `view.keys`; `keys` are Textual's names or characters."""

    name: str
    keys: str
    action: str
    says: str
    group: str
    live: bool = False


KEYS = (
    Key("down", "j,down", "move(1)", "next line or row", "Move"),
    Key("up", "k,up", "move(-1)", "previous line or row", "Move"),
    Key("half-down", "ctrl+d", "page(0.5)", "half a page down", "Move"),
    Key("half-up", "ctrl+u", "page(-0.5)", "half a page up", "Move"),
    Key("page-down", "pagedown", "page(1.0)", "a page down", "Move"),
    Key("page-up", "pageup", "page(-1.0)", "a page up", "Move"),
    Key("first", "g,home", "end(False)", "first", "Move"),
    Key("last", "G,end", "end(True)", "last", "Move"),
    Key("next-step", "l,right", "step(1)", "next step", "Move"),
    Key("previous-step", "h,left", "step(-1)", "previous step", "Move"),
    Key("next-instance", "L", "instance(1)", "next attempt", "Move"),
    Key("previous-instance", "H", "instance(-1)", "previous attempt", "Move"),
    Key("pane", "tab", "pane", "other pane", "Move"),
    Key("open", "enter", "open", "open the attempt; fold", "Move"),
    Key("back", "escape", "back", "back; leave the search", "Move"),
    Key("tab-1", "1", "tab('steps')", "Steps", "Tabs"),
    Key("tab-2", "2", "tab('patch')", "Patch", "Tabs"),
    Key("tab-3", "3", "tab('tests')", "Tests", "Tabs"),
    Key("tab-4", "4", "tab('tokens')", "Raw tokens", "Tabs"),
    Key("tab-5", "5", "tab('log')", "Log", "Tabs"),
    Key("tab-6", "6", "tab('compare')", "Compare", "Tabs"),
    Key("tab-7", "7", "tab('info')", "Info", "Tabs"),
    Key("find", "/", "find", "search in this attempt", "Find"),
    Key(
        "find-all",
        "ctrl+f,ctrl+underscore",
        "app.command('find_all')",
        "search in all attempts",
        "Find",
    ),
    Key("next-hit", "n", "hit(1)", "next hit", "Find"),
    Key("previous-hit", "N", "hit(-1)", "previous hit", "Find"),
    Key("narrow", "&", "narrow", "only attempts that hold the words", "Find"),
    Key("filter", "f", "filter", "filter the list", "Find"),
    Key("sort", "s", "sort", "sort by the next column", "Find"),
    Key("reverse", "S", "reverse", "turn the order around", "Find"),
    Key("next-failure", "!", "failure(1)", "next failure in the attempt", "Find"),
    Key("previous-failure", "@", "failure(-1)", "previous failure", "Find"),
    Key("next-failed", "]", "failed(1)", "next failed attempt", "Find"),
    Key("previous-failed", "[", "failed(-1)", "previous failed attempt", "Find"),
    Key("fold", "z,space", "fold", "fold or unfold; mark in the list", "Show"),
    Key("fold-all", "Z", "fold_all", "fold or unfold all", "Show"),
    Key("thinking", "t", "part('think')", "thinking of all steps", "Show"),
    Key("observations", "u", "part('observation')", "observations of all steps", "Show"),
    Key("trees", "m", "part('working tree')", "working trees of all steps", "Show"),
    Key("whole", "o", "whole", "all lines of this block", "Show"),
    Key("gold", "d", "app.command('gold')", "reference patch", "Show"),
    Key("compare", "c", "app.command('compare')", "compare the marked, or samples", "Show"),
    Key("divergence", "=", "divergence", "where they part", "Show"),
    Key("follow", "F", "follow", "follow the newest step", "Show"),
    Key("pager", "v", "app.outside('PAGER', 'less')", "this block in the pager", "Use"),
    Key("editor", "e", "app.outside('EDITOR', 'vi')", "this block in the editor", "Use"),
    Key("copy", "y", "app.command('copy')", "copy this block", "Use"),
    Key("copy-command", "Y", "app.command('copy_command')", "copy the command line", "Use"),
    Key("export", "x", "app.command('export')", "export this attempt", "Use"),
    Key("attach", "a", "app.command('attach')", "a shell in its sandbox", "Live", live=True),
    Key("pause", "p", "app.pause", "pause or resume the run", "Live", live=True),
    Key("requeue", "R", "app.requeue", "requeue this attempt", "Live", live=True),
    Key("cancel", "X", "app.command('cancel')", "cancel this attempt", "Live", live=True),
    Key("more-workers", "+", "app.workers(1)", "a worker more", "Live", live=True),
    Key("fewer-workers", "-", "app.workers(-1)", "a worker less", "Live", live=True),
    Key("commands", ":", "app.command_palette", "command palette", "Help"),
    Key("help", "?", "app.help", "this help", "Help"),
    Key("quit", "q", "app.quit", "quit", "Help"),
)


def bindings() -> list[BindingType]:
    """The keys of the main screen: windows over it have their own.

    Those that ask for words come first of all, so that what is typed after them goes there.
    """
    return [
        Binding(
            key.keys, key.action, key.says, show=False, id=key.name,
            priority=key.action in ("find", "filter"),
        )
        for key in KEYS
    ]  # fmt: skip


def shown(keys: str) -> str:
    """A key as the help writes it."""
    names = {
        "down": "↓", "up": "↑", "left": "←", "right": "→", "ctrl+underscore": "ctrl+/",
        "escape": "esc", "pagedown": "pgdn", "pageup": "pgup",
    }  # fmt: skip
    return " ".join(names.get(name, name) for name in keys.split(","))


def groups() -> Iterable[tuple[str, list[Key]]]:
    """The keys by group, in the order of the table."""
    for group in dict.fromkeys(key.group for key in KEYS):
        yield group, [key for key in KEYS if key.group == group]
