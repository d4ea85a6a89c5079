"""The evidence about the samples of one issue: candidates x columns, a cell for each execution.

A table holds nothing that only a judge may know: verdicts of hidden tests are
`Labels` (labels.py), in a file of their own. An absent cell is missing
evidence, never a failure.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

VERSION = 1
"""Of the file's format; raised when a table of the earlier form would be misread."""

Kind = Literal["existing", "generated", "harvested", "distinguishing", "grade", "trace"]
"""Where a column comes from: tests of the repository that pass before the change; tests generated
for the issue; tests and scripts that a sample wrote while solving; inputs on which candidates
differ; a grade given in the finished session; an outcome predicted by execution trace."""

Outcome = Literal[
    "pass",
    "fail",
    "other",  # it ran, but says neither: the test itself is broken, or printed another thing
    "timeout",
]

Role = Literal["regression", "reproduction", "none"]
"""What a test says of a candidate: that it broke nothing, or that it resolves the issue."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """One sample's patch. `patch` is as handed in, "" where there is none.

    `normalised` and the three cluster ids are what `clustered` (clusters.py) says
    of it, "" until then. Two candidates of one cluster have the same text, the same
    code up to comments and layout, or the same outcomes. `size` counts the characters
    of the raw patch, `tokens` those that were generated on the way to it. `parent` is the id of
    the candidate that it branched from after `branch_turn` turns, "" for none; `shared_tokens`
    were generated there, for the parent.
    """

    id: str
    sample: int
    patch: str
    normalised: str = ""
    text: str = ""
    ast: str = ""
    behaviour: str = ""
    size: int = 0
    tokens: int = 0
    turns: int = 0
    seconds: float = 0.0
    exit_reason: str = ""
    parent: str = ""
    branch_turn: int = 0
    shared_tokens: int = 0

    @property
    def own_tokens(self) -> int:
        """What it cost beside its parent."""
        return self.tokens - self.shared_tokens


@dataclass(frozen=True, slots=True)
class Column:
    """One test, input or verifier.

    `origin` is the sample that wrote it (of test generation, for a generated one), None
    for none. `before` is its outcome on the unpatched code, None where that is unknown or
    says nothing (grades).
    `source` is the test itself, so that the table can be built on. `flaky` says that
    repeats on the unpatched code differed.
    """

    id: str
    kind: Kind
    origin: int | None = None
    before: Outcome | None = None
    name: str = ""
    source: str = ""
    flaky: bool = False

    @property
    def role(self) -> Role:
        """By the outcome on the unpatched code; an input or a verifier has none."""
        if self.kind not in ("existing", "generated", "harvested") or self.flaky:
            return "none"
        roles: dict[Outcome | None, Role] = {"pass": "regression", "fail": "reproduction"}
        return roles.get(self.before, "none")


@dataclass(frozen=True, slots=True)
class Cell:
    """One candidate under one column.

    `score` is a verifier's, from 0 (surely wrong) to 1; None for a test. `output`
    is what was seen on a distinguishing input, normalised: candidates with the
    same output agree there. `seconds` is the time of all `repeats` together,
    `passes` how many of them passed. `log` is a path relative to the table's folder.
    """

    outcome: Outcome
    score: float | None = None
    output: str = ""
    seconds: float = 0.0
    log: str = ""
    repeats: int = 1
    passes: int = 0

    @property
    def passed(self) -> bool:
        """Whether every repeat passed."""
        return self.outcome == "pass" and not self.flaky

    @property
    def flaky(self) -> bool:
        """Whether the repeats differed."""
        return 0 < self.passes < self.repeats

    @property
    def value(self) -> float:
        """How much it speaks for the candidate, from 0 to 1."""
        return self.score if self.score is not None else float(self.passed)


@dataclass(frozen=True)
class Table:
    """All evidence about one issue. `cells[candidate id][column id]`; see the module."""

    instance: str
    candidates: tuple[Candidate, ...]
    columns: tuple[Column, ...] = ()
    cells: dict[str, dict[str, Cell]] = field(default_factory=dict)
    version: int = VERSION

    def cell(self, candidate: Candidate, column: Column) -> Cell | None:
        """The evidence, or None where it is missing."""
        return self.cells.get(candidate.id, {}).get(column.id)

    def steady(self, candidate: Candidate, column: Column) -> Cell | None:
        """The evidence, or None where it is missing or repeats differed."""
        cell = self.cell(candidate, column)
        return None if cell is None or cell.flaky or column.flaky else cell

    @cached_property
    def by_id(self) -> dict[str, Candidate]:
        """The candidates by their ids."""
        return {candidate.id: candidate for candidate in self.candidates}

    @cached_property
    def families(self) -> dict[str, str]:
        """The candidate that each one descends from by branching, itself where it began anew.

        Those of one family share turns, so they are no independent samples.
        """
        found: dict[str, str] = {}
        for candidate in sorted(self.candidates, key=lambda candidate: candidate.sample):
            found[candidate.id] = found.get(candidate.parent, candidate.id)
        return found

    @cached_property
    def authors(self) -> dict[int, str]:
        """The family of each sample by its number."""
        return {candidate.sample: self.families[candidate.id] for candidate in self.candidates}

    def votes(self, candidates: Iterable[Candidate]) -> int:
        """How many independent samples stand behind some candidates: each family has one vote."""
        return len({self.families[candidate.id] for candidate in candidates})

    @cached_property
    def effective(self) -> tuple[Candidate, ...]:
        """The candidates that change more than tests and their settings."""
        return tuple(candidate for candidate in self.candidates if candidate.normalised)

    def of_role(self, role: Role) -> list[Column]:
        """The columns that say that of a candidate."""
        return [column for column in self.columns if column.role == role]

    def of_kind(self, *kinds: Kind) -> list[Column]:
        """The columns that come from there."""
        return [column for column in self.columns if column.kind in kinds]

    def filled(self) -> Iterator[tuple[Candidate, Column, Cell]]:
        """Every cell that is not missing, candidate by candidate."""
        for candidate in self.candidates:
            row = self.cells.get(candidate.id, {})
            for column in self.columns:
                if (cell := row.get(column.id)) is not None:
                    yield candidate, column, cell

    def problems(self) -> list[str]:
        """What is wrong with it: ids given twice, cells of nothing, values out of range."""
        found = []
        for what, ids in (
            ("candidate", [candidate.id for candidate in self.candidates]),
            ("column", [column.id for column in self.columns]),
        ):
            found += [f"{what} '{i}' stands twice" for i in sorted(set(ids)) if ids.count(i) > 1]
        columns = {column.id for column in self.columns}
        for name, row in self.cells.items():
            if name not in self.by_id:
                found.append(f"cells of '{name}', which is no candidate")
            found += [f"cell of '{c}', which is no column" for c in sorted(row.keys() - columns)]
            found += [f"score of '{c}' is not from 0 to 1" for c, x in row.items() if _odd(x)]
        return found


def _odd(cell: Cell) -> bool:
    return cell.score is not None and not 0 <= cell.score <= 1
