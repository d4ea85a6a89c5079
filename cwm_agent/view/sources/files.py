"""Files of other programs as a source: one file, or all below a folder."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from cwm_agent.view.foreign.read import looks_like_one, name_of, read_file
from cwm_agent.view.sources.row import Row, State
from cwm_agent.view.sources.source import Finished
from cwm_agent.view.trajectory.failures import is_limit
from cwm_agent.view.trajectory.trajectory import Trajectory

MOST = 20_000
"""Files of one folder."""


def trajectory_files(place: Path) -> list[Path]:
    """The file itself, or those below a folder that look like trajectories, by name."""
    if place.is_file():
        return [place]
    found = sorted(path for path in place.rglob("*.*") if looks_like_one(path))
    return found[:MOST]


@dataclass(frozen=True, slots=True)
class FileSource:
    """Trajectory files; `verdicts` says of instances whether they were resolved."""

    place: Path
    verdicts: Mapping[str, bool] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The file's or folder's."""
        return self.place.name or str(self.place)

    def quick(self) -> list[Row]:
        """The names of the files."""
        return [
            Row(self.name, name_of(path), 0, "new", path) for path in trajectory_files(self.place)
        ]

    def rows(self) -> Iterator[Row]:
        """Every trajectory of every file; several of an instance are its samples."""
        seen: dict[str, int] = {}
        for path in trajectory_files(self.place):
            for place, found in enumerate(self.read(path)):
                sample = seen.get(found.instance, 0)
                seen[found.instance] = sample + 1
                yield row_of(found, self.name, path, place, sample)

    def read(self, path: Path) -> list[Trajectory]:
        """What a file holds, with the verdicts."""
        return [self._judged(found) for found in read_file(path)]

    def open(self, row: Row, most: int | None = None) -> Finished:
        """Read the file again: it is not kept in memory."""
        del most
        found = self.read(row.path)
        if row.place >= len(found):
            return Finished(Trajectory(row.instance, problem=f"{row.path} has changed"))
        return Finished(replace(found[row.place], sample=row.sample))

    def _judged(self, found: Trajectory) -> Trajectory:
        verdict = self.verdicts.get(found.instance)
        if verdict is None:
            return found
        return replace(found, outcome=replace(found.outcome, resolved=verdict, graded=True))


def row_of(found: Trajectory, run: str, path: Path, place: int, sample: int) -> Row:
    """What a list shows of a trajectory."""
    return Row(
        run=run,
        instance=found.instance,
        sample=sample,
        state=_state(found),
        path=path,
        exit=found.outcome.exit,
        steps=len(found.steps),
        tokens=found.tokens,
        seconds=found.seconds,
        tools=tuple(sorted({step.action.tool for step in found.steps} - {""})),
        policy=found.policy,
        problem=found.problem,
        place=place,
    )


def _state(found: Trajectory) -> State:
    if found.problem and not found.steps:
        return "damaged"
    if found.outcome.resolved is not None:
        return "resolved" if found.outcome.resolved else "unresolved"
    fine = ("submitted", "Submitted", "finished", "")
    broke = found.outcome.exit not in fine and not is_limit(found.outcome.exit)
    return "error" if broke and found.outcome.detail else "unscored"
