"""What a tool is: the protocol, what a call returns, and the entry that registers it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol

from tools.texts import Texts
from tools.workspace import CommandResult, Workspace

Repair = Literal["form", "line_ends", "prefix", "folder", "counts", "blanks", "colours", "reversed"]
"""What was put right in a patch; a text `submit.repair.NAME` tells the model."""


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What the model is told, and what the harness needs to know.

    `feedback` goes to the model. `ok` is False when the tool refused or
    failed. `command` is set by tools that ran one. `submission` is the patch
    text of an accepted submit.
    """

    feedback: str
    ok: bool
    command: CommandResult | None = None
    submission: str | None = None


class Tool(Protocol):
    """One verb of the agent."""

    @property
    def name(self) -> str:
        """The name in `<tool: NAME>`."""

    def run(self, body: str, workspace: Workspace) -> ToolResult:
        """Act on the call's body (passed unstripped)."""


@dataclass(frozen=True, slots=True)
class Checked:
    """What became of a patch that was tried on a clean copy.

    `patch` is what is submitted in its place, None where it does not apply to
    the commit `base`, for the `reason` that git gives, or "" where it changes nothing.
    """

    patch: str | None
    repair: Repair | None = None
    reason: str = ""
    base: str = ""


class ToolSwitches(Protocol):
    """The differences between the modes that concern tools; see `envs.issue.modes.Switches`."""

    @property
    def keep_partial_output(self) -> bool:
        """bash: what a failed command printed is shown."""

    @property
    def drop_invalid_bytes(self) -> bool:
        """bash: bytes that are no UTF-8 are left out."""

    @property
    def edit_whole_lines(self) -> bool:
        """edit: a search matches whole lines only."""

    @property
    def edit_may_delete(self) -> bool:
        """edit: lines may be replaced by nothing."""

    @property
    def edit_keeps_line_endings(self) -> bool:
        """edit: CRLF stays CRLF."""

    @property
    def edit_any_encoding(self) -> bool:
        """edit: files that are no UTF-8 can be edited."""

    @property
    def edit_refuses_unchanged(self) -> bool:
        """edit: new lines that equal the old ones are refused."""

    @property
    def strip_paths(self) -> bool:
        """edit, create: blanks around a path are no part of it."""

    @property
    def submit_through_shell(self) -> bool:
        """submit: the path is read by an unquoted `cat`."""

    @property
    def submit_working_tree(self) -> bool:
        """submit: an empty body hands in the working tree's diff."""

    @property
    def submit_must_apply(self) -> bool:
        """submit: a patch is tried on a clean copy."""


@dataclass(frozen=True, slots=True)
class ToolContext:
    """What an episode gives to its tools.

    `command_seconds` limits one command. `working_diff` is the repository's
    diff, None where it cannot be had. `check` tries a patch on a clean copy,
    given the folder of the shell; without it no patch is tried. Where not a
    patch is asked for but a test, `refusal` says why a text is none, "" where it is one.
    With `state` what is handed in is the workspace as it stands.
    """

    texts: Texts
    switches: ToolSwitches
    command_seconds: float
    working_diff: Callable[[], str | None]
    check: Callable[[str, str], Checked] | None = None
    refusal: Callable[[str], str] | None = None
    state: bool = False


def _never(switches: ToolSwitches) -> bool:
    del switches
    return False


@dataclass(frozen=True, slots=True)
class ToolSpec:
    """All that is registered of a tool; `tools/registry.py` lists every one.

    `make` builds the tool for an episode. `arguments` are the parts of a call's
    body, with what each means; the description writes them as `[NAME]`. `layout`
    is the body with these marks; "": each argument follows the one before on a new line.
    `texts` are the keys of the sentences that the tool says, with the variables
    of each; `text_key`, its description, is one more. `wording` has texts for
    prompt packs that lack them: a tool that came after a pack brings its own.
    `published` says what the published environment makes of it: "core" is
    always there, a "plugin" is a program of its session that can be left out;
    None, which it does not have, is only used where the settings name it.
    """

    name: str
    make: Callable[[ToolContext], Tool]
    arguments: Mapping[str, str]
    texts: Mapping[str, tuple[str, ...]]
    wording: Mapping[str, str] = field(default_factory=dict)
    published: Literal["core", "plugin"] | None = None
    layout: str = ""
    may_be_empty: Callable[[ToolSwitches], bool] = _never

    @property
    def text_key(self) -> str:
        """The key of the text by which the model learns of the tool."""
        return f"environment.tool.{self.name}"

    @property
    def form(self) -> str:
        """The body of a call, with `[NAME]` where an argument stands."""
        return self.layout or "\n".join(f"[{name}]" for name in self.arguments)

    @property
    def schema(self) -> dict[str, object]:
        """The arguments as a JSON Schema (draft 2020-12) object: every one is text, none is left
        out and there are no others."""
        properties = {
            name: {"type": "string", "description": meaning}
            for name, meaning in self.arguments.items()
        }
        return {
            "type": "object",
            "properties": properties,
            "required": list(self.arguments),
            "additionalProperties": False,
        }
