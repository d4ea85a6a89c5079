"""Which instances of a suite are meant."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from cwm_agent.errors import UsageError


class Selectable(Protocol):
    """What a selection looks at; "" where nothing is known."""

    @property
    def id(self) -> str:
        """The instance id."""
        ...

    @property
    def repository(self) -> str:
        """The repository's name."""
        ...

    @property
    def difficulty(self) -> str:
        """How hard the instance is said to be."""
        ...


Item = TypeVar("Item", bound=Selectable)


@dataclass(frozen=True, slots=True)
class Selection:
    """All conditions must hold; an empty one asks for nothing.

    `pattern` is a regular expression searched for in the id. `part` is a
    Python slice such as `0:50` or `::2`, taken last, of what the rest leaves.
    """

    ids: tuple[str, ...] = ()
    pattern: str = ""
    repositories: tuple[str, ...] = ()
    difficulties: tuple[str, ...] = ()
    part: str = ""

    def of(self, instances: Sequence[Item]) -> tuple[Item, ...]:
        """The chosen instances in the order of the suite; raises UsageError, also for none."""
        _known("instance", self.ids, [instance.id for instance in instances])
        _known("repository", self.repositories, [i.repository for i in instances])
        _known("difficulty", self.difficulties, [i.difficulty for i in instances])
        pattern = _compiled(self.pattern)
        chosen = [
            instance
            for instance in instances
            if (not self.ids or instance.id in self.ids)
            and (not self.repositories or instance.repository in self.repositories)
            and (not self.difficulties or instance.difficulty in self.difficulties)
            and pattern.search(instance.id)
        ][read_slice(self.part)]
        if not chosen:
            raise UsageError(
                f"none of the {len(instances)} instances matches; relax --id, --match, "
                "--repository, --difficulty or --slice"
            )
        return tuple(chosen)


def _known(what: str, wanted: Sequence[str], there: Sequence[str]) -> None:
    for name in wanted:
        if name not in there:
            near = difflib.get_close_matches(name, there, 1)
            hint = f"did you mean '{near[0]}'?" if near else f"there are {_some(there)}"
            raise UsageError(f"the suite has no {what} '{name}'; {hint}")


def _some(names: Sequence[str]) -> str:
    distinct = list(dict.fromkeys(filter(None, names)))
    return ", ".join(distinct[:5]) + (", ..." if len(distinct) > 5 else "") or "none"


def _compiled(pattern: str) -> re.Pattern[str]:
    try:
        return re.compile(pattern)
    except re.error as error:
        raise UsageError(f"--match {pattern!r} is not a regular expression: {error}") from error


def read_slice(text: str) -> slice:
    """`start:stop` or `start:stop:step`; a number alone is a count from the start."""
    match = re.fullmatch(r"\s*(-?\d*)(?::(-?\d*)(?::(-?\d*))?)?\s*", text)
    if match is None or "-" in match.groups() or match[3] in ("0", "-0"):
        raise UsageError(f"--slice {text!r} is not a slice; use e.g. 0:50, 50: or ::2")
    start, stop, step = (int(part) if part else None for part in match.groups())
    return slice(start, stop, step) if ":" in text else slice(start)
