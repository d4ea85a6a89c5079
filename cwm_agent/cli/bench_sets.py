"""The sets of generated tasks, as an option lists them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cwm_agent.generated.task import Split


def chosen_sets(listed: str) -> tuple[Split, ...]:
    """The sets in their own order; raises UsageError for an unknown one."""
    from cwm_agent.errors import UsageError
    from cwm_agent.generated.task import MEASURED

    names = [name.strip() for name in listed.split(",")]
    if unknown := [name for name in names if name not in MEASURED]:
        raise UsageError(f"unknown set '{unknown[0]}'; choose from {','.join(MEASURED)}")
    return tuple(name for name in MEASURED if name in names)
