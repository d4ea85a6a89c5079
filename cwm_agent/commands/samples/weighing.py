"""What a viewer shows of several samples: the evidence on disk, weighed, and the choice."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from cwm_agent.scaling.chosen import CHOICE_FILE, Chosen, reasons
from cwm_agent.scaling.storage import load_table, table_files, table_path
from cwm_agent.scaling.table import Candidate, Cell, Column, Table
from cwm_agent.view.sources.row import Row
from cwm_agent.view.trajectory.samples import Mark, SampleEvidence, SamplesEvidence, Tally
from results.errors import ResultsError
from results.files import read_record

if TYPE_CHECKING:
    from cwm_agent.scaling.posterior.parameters import Parameters

_EMPTY = "changes nothing but tests and their settings"


@dataclass(frozen=True, slots=True)
class _Estimated:
    """Reliabilities over the tables of a run, as they stood at `stamps`."""

    stamps: tuple[tuple[str, int, int], ...]
    parameters: Parameters


class Weighing:
    """Reads the evidence beside an attempt, for runs by their names.

    A posterior needs the reliabilities of the whole run: they are estimated once for as long
    as no table of it changes. Several threads may ask.
    """

    def __init__(self, folders: Mapping[str, Path]) -> None:
        self._folders = folders
        self._known: dict[str, _Estimated] = {}
        self._lock = Lock()

    def __call__(self, row: Row) -> SamplesEvidence | None:
        """None where nothing was gathered or chosen about the instance of the row."""
        folder = self._folders.get(row.run)
        if folder is None:
            return None
        path = table_path(folder, row.instance)
        try:
            chosen = read_record(Chosen, path.parent / CHOICE_FILE)
            if not path.exists():
                return None if chosen is None else samples_evidence(None, chosen, {})
            table = load_table(path)
            return samples_evidence(table, chosen, self._chances(row.run, folder, table))
        except ResultsError as error:
            return SamplesEvidence(row.instance, problem=str(error))

    def _chances(self, run: str, folder: Path, table: Table) -> Mapping[str, float]:
        # late: it loads numpy, and most runs that are viewed have no evidence
        from cwm_agent.scaling.posterior.posterior import believe, estimate

        stamps = tuple(
            (str(path), found.st_size, found.st_mtime_ns)
            for path in table_files(folder)
            if (found := path.stat())
        )
        with self._lock:
            known = self._known.get(run)
            if known is None or known.stamps != stamps:
                known = _Estimated(stamps, estimate(_readable(folder)))
                self._known[run] = known
        return believe(table, known.parameters).chance


def _readable(folder: Path) -> list[Table]:
    """The tables of a run but those that are damaged: theirs is told where they are opened."""
    found = []
    for path in table_files(folder):
        try:
            found.append(load_table(path))
        except ResultsError:
            continue
    return found


def samples_evidence(
    table: Table | None, chosen: Chosen | None, chances: Mapping[str, float]
) -> SamplesEvidence:
    """Table and choice as a viewer shows them; `chances` by behaviour cluster."""
    instance = table.instance if table else chosen.instance if chosen else ""
    groups = _groups(table) if table else {}
    rules = {out: step.rule for step in (chosen.steps if chosen else ()) for out in step.removed}
    samples = []
    if table is not None:
        samples = [_sample(table, c, chosen, groups, chances, rules) for c in table.candidates]
    return SamplesEvidence(
        instance=instance,
        samples=tuple(sorted(samples, key=lambda found: found.sample)),
        recipe=chosen.recipe if chosen else "",
        chosen=chosen.sample if chosen else None,
        probability=chosen.probability if chosen else None,
        reasons=tuple(line.strip() for line in reasons(chosen)) if chosen else (),
        hint="" if chosen else "nothing was chosen yet: `cwm-agent select` does",
    )


def _groups(table: Table) -> dict[str, tuple[str, int]]:
    """A letter and the votes of each behaviour cluster, the largest first."""
    groups: dict[str, list[Candidate]] = defaultdict(list)
    for candidate in table.effective:
        groups[candidate.behaviour].append(candidate)
    sizes = {name: table.votes(group) for name, group in groups.items()}
    ordered = sorted(sizes.items(), key=lambda item: (-item[1], item[0]))
    return {name: (_letter(place), votes) for place, (name, votes) in enumerate(ordered)}


def _letter(place: int) -> str:
    return (
        chr(ord("A") + place) if place < 26 else f"{_letter(place // 26 - 1)}{_letter(place % 26)}"
    )


def _sample(
    table: Table,
    candidate: Candidate,
    chosen: Chosen | None,
    groups: Mapping[str, tuple[str, int]],
    chances: Mapping[str, float],
    rules: Mapping[str, str],
) -> SampleEvidence:
    group, votes = groups.get(candidate.behaviour, ("", 0)) if candidate.normalised else ("", 0)
    mark = _mark(candidate, chosen)
    filled = [
        (column, cell)
        for column in table.columns
        if (cell := table.cell(candidate, column)) is not None
    ]
    grades = [cell.value for column, cell in filled if column.kind == "grade"]
    return SampleEvidence(
        sample=candidate.sample,
        mark=mark,
        group=group,
        votes=votes,
        tallies=_tallies(table, filled),
        grade=sum(grades) / len(grades) if grades else None,
        chance=chances.get(candidate.behaviour) if candidate.normalised else None,
        rule=_EMPTY if mark == "empty" else rules.get(candidate.id, ""),
        outputs=tuple(
            (column.name or column.id, cell.output)
            for column, cell in filled
            if column.kind == "distinguishing"
        ),
    )


def _mark(candidate: Candidate, chosen: Chosen | None) -> Mark:
    if not candidate.normalised:
        return "empty"
    if chosen is None or chosen.sample is None:
        return "open"
    return "chosen" if candidate.sample == chosen.sample else "out"


def _tallies(table: Table, filled: list[tuple[Column, Cell]]) -> tuple[Tally, ...]:
    """Of every kind of test that the table has; missing cells are not counted as failures."""
    kinds = ("existing", "generated", "harvested", "trace")
    found = []
    for kind in kinds:
        if not table.of_kind(kind):  # type: ignore[arg-type]
            continue
        mine = [(column, cell) for column, cell in filled if column.kind == kind]
        failing = tuple(
            f"{column.name or column.id}: {'flaky' if cell.flaky else cell.outcome}"
            for column, cell in mine
            if not cell.passed
        )
        found.append(Tally(kind, len(mine) - len(failing), len(mine), failing))
    return tuple(found)
