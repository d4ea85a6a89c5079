"""The setting that names tools: a list or a text, checked against the registry."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, WithJsonSchema

from tools.registry import CORE_TOOLS, TOOLS


def name_list(value: object) -> object:
    """A text is a list with commas or blanks between the names."""
    return tuple(value.replace(",", " ").split()) if isinstance(value, str) else value


def _usable_tools(names: tuple[str, ...]) -> tuple[str, ...]:
    """In the order of their description; raises ValueError for a set that nothing solves."""
    known = [spec.name for spec in TOOLS]
    if unknown := [name for name in names if name not in known]:
        raise ValueError(f"there is no tool '{unknown[0]}'; choose among {', '.join(known)}")
    if not set(CORE_TOOLS) <= set(names):
        others = " and ".join(name for name in known if name not in CORE_TOOLS)
        raise ValueError(f"{' and '.join(CORE_TOOLS)} are always needed; {others} can be left out")
    return tuple(name for name in known if name in names)


Tools = Annotated[
    tuple[str, ...],
    BeforeValidator(name_list),
    AfterValidator(_usable_tools),
    WithJsonSchema({"type": "array", "items": {"enum": [spec.name for spec in TOOLS]}}),
]
