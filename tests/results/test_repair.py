"""A damaged journal is cut before the damage, and nothing of it is lost."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from results import journal as journal_module
from results.errors import DamagedJournalError, JournalLockedError
from results.journal import Journal, encode_entry, read_journal
from results.records import Ended, Message, Observed
from results.repair import repair


def write(path: Path, lines: int = 4) -> list[bytes]:
    with Journal(path) as journal:
        for number in range(lines):
            journal.append(Observed((Message("user", f"line {number}"),)))
    return path.read_bytes().splitlines(keepends=True)


@pytest.mark.parametrize("place", [0, 2, 3])
def test_the_lines_before_the_damage_stay_and_the_whole_file_is_kept(
    tmp_path: Path, place: int
) -> None:
    path = tmp_path / "events.jsonl"
    lines = write(path)
    lines[place] = lines[place].replace(b'"user"', b'"us\x00r"')
    path.write_bytes(damaged := b"".join(lines))
    with pytest.raises(DamagedJournalError, match=rf"line {place + 1}: .*--repair"):
        Journal(path)
    found = repair(path)
    assert found is not None
    assert (found.line, found.kept.read_bytes()) == (place + 1, damaged)
    assert path.read_bytes() == b"".join(lines[:place])
    with Journal(path) as journal:
        assert journal.append(Ended("interrupted")).seq == place


def test_a_good_a_torn_and_an_absent_journal_are_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    assert repair(path) is None
    write(path)
    path.write_bytes(path.read_bytes() + b'{"seq":4,')  # torn: the next writer cuts it
    before = path.read_bytes()
    assert repair(path) is None
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_each_damage_is_kept_under_a_name_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    for _ in range(2):
        write(path, 2)
        path.write_bytes(path.read_bytes() + b"{}\n")
        assert repair(path) is not None
    assert sorted(file.name for file in tmp_path.iterdir()) == [
        "events.jsonl", "events.jsonl.damaged", "events.jsonl.damaged.2",
    ]  # fmt: skip


def test_a_journal_that_is_being_written_is_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    with Journal(path), pytest.raises(JournalLockedError):
        repair(path, lock_timeout=0)


class SetBack(datetime):
    """The clock of a machine that was set back by a day."""

    @classmethod
    def now(cls, tz: object = None) -> datetime:  # type: ignore[override]
        return datetime.now(UTC) - timedelta(days=1)


def test_times_never_go_back_when_the_clock_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "events.jsonl"
    with Journal(path) as journal:
        first = journal.append(Ended("interrupted"))
        monkeypatch.setattr(journal_module, "datetime", SetBack)
        second = journal.append(Ended("interrupted"))
    with Journal(path) as journal:
        third = journal.append(Ended("interrupted"))
    assert first.time <= second.time <= third.time
    assert third.time[:16] >= first.time[:16]
    monkeypatch.undo()
    assert b"".join(map(encode_entry, read_journal(path))) == path.read_bytes()
