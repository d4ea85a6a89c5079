"""Errors of the tools package; each text carries its remedy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal


class ToolsError(Exception):
    """Base of every error raised by `tools`."""


class UnknownToolError(ToolsError):
    """A tool was named that is not registered."""


CallErrorKind = Literal[
    "thinking_missing",
    "thinking_repeated",
    "several_calls",
    "tag_mismatch",
    "misplaced_tag",
    "unclosed",
    "text_after",
    "no_call",
    "empty",
    "unknown_tool",
]


class CallError(ToolsError):
    """A reply without exactly one usable call.

    `kind` names the text `format.<kind>` of the prompt pack and `variables`
    fills it in, so the sentence that the model reads is data, not code.
    """

    def __init__(self, kind: CallErrorKind, **variables: object) -> None:
        details = ", ".join(f"{name}={value!r}" for name, value in variables.items())
        super().__init__(f"{kind}: {details}" if details else kind)
        self.kind = kind
        self.variables: Mapping[str, object] = variables

    @property
    def text_key(self) -> str:
        """Key of the sentence in the prompt pack."""
        return f"format.{self.kind}"
