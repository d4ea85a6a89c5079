"""Every tool, once; a new one is a file and a line here (docs/extending.md)."""

from __future__ import annotations

from tools.bash import BASH
from tools.create import CREATE
from tools.edit import EDIT
from tools.errors import UnknownToolError
from tools.submit import SUBMIT
from tools.tool import ToolSpec

TOOLS: tuple[ToolSpec, ...] = (
    BASH,
    EDIT,
    CREATE,
    SUBMIT,
)
"""In the order of their description."""
PUBLISHED_TOOLS = tuple(spec.name for spec in TOOLS if spec.published)
"""What the model was trained with, and gets by default."""
CORE_TOOLS = tuple(spec.name for spec in TOOLS if spec.published == "core")
"""Without these nothing can be solved."""


def tool_spec(name: str) -> ToolSpec:
    """The entry of a tool; raises UnknownToolError with the names that there are."""
    for spec in TOOLS:
        if spec.name == name:
            return spec
    names = ", ".join(spec.name for spec in TOOLS)
    raise UnknownToolError(f"there is no tool '{name}'; choose among {names}")
