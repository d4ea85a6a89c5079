"""Our own runs as a source; only their journals are read, never the process that writes them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from cwm_agent.view.sources.row import Row, State
from cwm_agent.view.trajectory.journal import JournalReader
from cwm_agent.view.trajectory.trajectory import Trajectory
from results.index import Row as Known
from results.index import found, known_rows
from results.scores import Verdicts
from results.store import UNFINISHED, Attempt, Run


@dataclass(frozen=True, slots=True)
class RunSource:
    """One run folder."""

    run: Run

    @property
    def name(self) -> str:
        """The run's."""
        return self.run.name

    def quick(self) -> list[Row]:
        """From the index where it has a row, else from the names of the folders."""
        known, verdicts = known_rows(self.run), Verdicts(self.run.scores)
        rows = []
        for attempt in self.run.attempts():
            row = known.get(f"{attempt.folder.parent.name}/{attempt.sample}")
            if row is None or (row.exit_reason is None and not row.problem):
                name = row.instance if row else attempt.folder.parent.name
                rows.append(Row(self.name, name, attempt.sample, "new", attempt.folder))
            else:
                rows.append(self._row(attempt, row, verdicts, live=False))
        return rows

    def rows(self) -> Iterator[Row]:
        """Every attempt, read anew where its files changed."""
        verdicts = Verdicts(self.run.scores)
        for attempt, row in found(self.run):
            live = row.exit_reason is None and attempt.live
            yield self._row(attempt, row, verdicts, live=live)

    def open(self, row: Row, most: int | None = None) -> Opened:
        """Follow the journal of an attempt."""
        opened = Opened(self.run, JournalReader(Attempt(row.path, row.sample)))
        opened.poll(most)
        return opened

    def _row(self, attempt: Attempt, row: Known, verdicts: Verdicts, *, live: bool) -> Row:
        standing = verdicts.standing(row.instance, row.patch, row.resolved)
        return Row(
            run=self.name,
            instance=row.instance,
            sample=attempt.sample,
            state=_state(row, standing, live=live),
            path=attempt.folder,
            exit=row.exit_reason or _unended(row, live=live),
            steps=row.turns,
            tokens=row.tokens,
            seconds=row.seconds,
            tools=row.tools,
            policy=row.policy,
            updated=row.updated,
            problem=row.problem,
        )


@dataclass(slots=True)
class Opened:
    """One attempt of a run, as it grows."""

    run: Run
    reader: JournalReader

    def poll(self, most: int | None = None) -> bool:
        """Read on."""
        return self.reader.poll(most)

    def trajectory(self) -> Trajectory:
        """With the result and the score as they are now."""
        return self.reader.trajectory(self.run, Verdicts(self.run.scores))

    @property
    def live(self) -> bool:
        """Whether a process holds the journal."""
        return self.reader.attempt.live

    @property
    def last_time(self) -> str:
        """Of its newest event."""
        return self.reader.last_time


def _state(row: Known, standing: str, *, live: bool) -> State:
    if row.problem:
        return "damaged"
    if live:
        return "live"
    if not row.started:
        return "new"
    if row.exit_reason is None or row.exit_reason in UNFINISHED or standing == "infrastructure":
        return "error"
    if standing == "not scored":
        return "unscored"
    return "resolved" if standing == "resolved" else "unresolved"


def _unended(row: Known, *, live: bool) -> str:
    if row.problem:
        return "damaged"
    if live:
        return "running"
    return "killed" if row.started else "not begun"
