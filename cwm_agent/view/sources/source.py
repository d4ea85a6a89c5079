"""What a viewer needs of a place where trajectories lie."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from cwm_agent.view.sources.row import Row
from cwm_agent.view.trajectory.trajectory import Trajectory


class Reader(Protocol):
    """One opened attempt."""

    def poll(self, most: int | None = None) -> bool:
        """Read what is new, about `most` bytes at once; returns whether anything was."""

    def trajectory(self) -> Trajectory:
        """What is known now."""

    @property
    def live(self) -> bool:
        """Whether more may come."""

    @property
    def last_time(self) -> str:
        """When its newest line was written, ISO 8601; "" where unknown."""


class Source(Protocol):
    """A list of attempts, each of which can be opened. Several threads may ask."""

    @property
    def name(self) -> str:
        """For the title."""

    def quick(self) -> list[Row]:
        """What can be said at once; rows of state "new" follow from `rows`."""

    def rows(self) -> Iterator[Row]:
        """Every attempt as it is now, one by one."""

    def open(self, row: Row, most: int | None = None) -> Reader:
        """Open one of its rows and read it, or about the first `most` bytes of it."""


@dataclass(slots=True)
class Finished:
    """A trajectory that will not change."""

    known: Trajectory

    def poll(self, most: int | None = None) -> bool:
        """Nothing comes any more."""
        del most
        return False

    def trajectory(self) -> Trajectory:
        """The same each time."""
        return self.known

    @property
    def live(self) -> bool:
        """Never."""
        return False

    @property
    def last_time(self) -> str:
        """The time of its last step."""
        return self.known.steps[-1].time if self.known.steps else ""


@dataclass(frozen=True, slots=True)
class Several:
    """Several sources as one list."""

    parts: tuple[Source, ...]

    @property
    def name(self) -> str:
        """All their names."""
        return " + ".join(part.name for part in self.parts)

    def quick(self) -> list[Row]:
        """Of each part."""
        return [row for part in self.parts for row in part.quick()]

    def rows(self) -> Iterator[Row]:
        """Of each part."""
        for part in self.parts:
            yield from part.rows()

    def open(self, row: Row, most: int | None = None) -> Reader:
        """Ask the part that the row is of."""
        names = [part.name for part in self.parts]
        return self.parts[names.index(row.run)].open(row, most)
