"""What a judge said of candidates. Only studies read it: no selector gets it but the oracle."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from cwm_agent.scaling.table import Table
from results.files import read_record, write_record

LABELS_FILE = "labels.json"


@dataclass(frozen=True, slots=True)
class Labels:
    """Of one issue: by candidate id whether the hidden tests passed; absent where not judged."""

    instance: str
    right: dict[str, bool] = field(default_factory=dict)

    def count(self) -> tuple[int, int]:
        """How many are right, and how many were judged."""
        return sum(self.right.values()), len(self.right)

    @property
    def marginal(self) -> bool:
        """Whether a choice matters: some of the judged candidates are right and some are not."""
        right, judged = self.count()
        return 0 < right < judged


Case = tuple[Table, Labels]
"""One judged issue."""


def count_anew(table: Table, labels: Labels) -> tuple[int, int]:
    """How many of the samples that branched from no other are right, and how many were judged.

    All of them count where no such one was judged.
    """
    branched = {candidate.id for candidate in table.candidates if candidate.parent}
    told = [right for name, right in labels.right.items() if name not in branched]
    return (sum(told), len(told)) if told else labels.count()


def save_labels(path: Path, labels: Labels) -> None:
    """Write them atomically; raises RunFolderError."""
    write_record(path, labels)


def load_labels(path: Path) -> Labels | None:
    """The labels in a file, None without that file; raises RunFolderError if it is damaged."""
    return read_record(Labels, path)
