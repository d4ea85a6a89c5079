"""The journal keeps every committed event, whatever happens to its writer."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from results.errors import JournalError, JournalLockedError
from results.journal import (
    KINDS,
    Entry,
    Journal,
    decode_entry,
    encode_entry,
    follow_journal,
    is_live,
    read_journal,
)
from results.records import Ended, Event, Observed, Snapshot, ToolRan

ROOT = Path(__file__).parents[2]
# Lone surrogates come from undecodable file names; they must survive too.
texts = st.text(st.characters(exclude_categories=()), max_size=20)
st.register_type_strategy(str, texts)
st.register_type_strategy(float, st.floats(allow_nan=False, allow_infinity=False))


@given(st.one_of([st.from_type(kind) for kind in get_args(Event)]), st.integers(0, 10**6))
def test_every_record_survives_the_round_trip(event: Event, seq: int) -> None:
    entry = Entry(seq, "2026-11-22T10:00:00.000Z", event)
    line = encode_entry(entry)
    assert line.count(b"\n") == 1
    assert decode_entry(line, seq=seq) == entry


def test_events_come_back_in_order_and_reopening_continues_the_count(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    with Journal(path) as journal:
        journal.append(ToolRan(1, "bash", ok=True, seconds=0.5, exit_code=0))
        journal.commit()
    with Journal(path) as journal:
        assert journal.events == (ToolRan(1, "bash", ok=True, seconds=0.5, exit_code=0),)
        journal.append(Ended("submitted"))
    assert [(entry.seq, type(entry.event)) for entry in read_journal(path)] == [
        (0, ToolRan),
        (1, Ended),
    ]


def test_a_torn_last_line_is_skipped_by_readers_and_cut_by_the_next_writer(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    with Journal(path) as journal:
        journal.append(Ended("interrupted"))
    whole = path.read_bytes()
    path.write_bytes(whole + b'{"seq":1,"time"')
    assert len(read_journal(path)) == 1
    with Journal(path) as journal:
        assert journal.torn_bytes == 15
    assert path.read_bytes() == whole


def broken_line(**changes: object) -> bytes:
    line = {
        "seq": 1,
        "time": "2026-11-22T10:00:00.000Z",
        "kind": "ended",
        "data": {"reason": "submitted", "detail": ""},
    }
    return json.dumps(line | changes).encode() + b"\n"


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        (b"\x00\x00\x00\n", "not valid JSON"),
        (b'{"seq": 1\n', "not valid JSON"),
        (b"[]\n", "exactly the keys"),
        (broken_line(extra=1), "exactly the keys"),
        (broken_line(seq=2), "sequence number 2, expected 1"),
        (broken_line(kind="finished"), "unknown kind 'finished'"),
        (b"[" * 100_000 + b"\n", "nested too deeply"),
        (broken_line(kind=["ended"]), "unknown kind"),
        (broken_line(time=3), "not a UTC t"),
        (broken_line(time="9999-12-31T23:59:59Z"), "not a UTC t"),
        (broken_line(time="2026-11-22T10:00:00"), "not a UTC t"),
        (broken_line(data={"reason": "bored"}), "Ended.reason must be one of"),
        (broken_line(data={}), "lacks the keys ['reason']"),
        (broken_line(data={"reason": "submitted", "mood": 1}), "unknown keys ['mood']"),
        (broken_line(kind="tool_ran", data={"turn": "1", "tool": "", "ok": True, "seconds": 1}),
         "ToolRan.turn must be of type int, not '1'"),
        (broken_line(kind="observed", data={"messages": {}}), "must be a list"),
    ],
)  # fmt: skip
def test_damage_in_the_middle_names_file_line_and_reason(
    tmp_path: Path, line: bytes, complaint: str
) -> None:
    path = tmp_path / "events.jsonl"
    with Journal(path) as journal:
        journal.append(Ended("interrupted"))
    path.write_bytes(path.read_bytes() + line + broken_line(seq=2))
    for use in (read_journal, Journal):
        with pytest.raises(JournalError) as caught:
            use(path)
        assert f"{path}, line 2" in str(caught.value)
        assert complaint in str(caught.value)


def test_two_writers_exclude_each_other(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    with Journal(path):
        assert is_live(path)
        with pytest.raises(JournalLockedError, match="another process"):
            Journal(path)
    assert not is_live(path)
    Journal(path).close()


def test_closing_twice_is_fine_and_a_missing_journal_is_one_clear_error(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "events.jsonl")
    journal.close()
    journal.close()
    assert not is_live(tmp_path / "absent.jsonl")
    with pytest.raises(JournalError, match="there is no journal"):
        read_journal(tmp_path / "absent.jsonl")
    with pytest.raises(JournalError, match="Not a directory"):
        Journal(tmp_path / "events.jsonl" / "events.jsonl")


def test_a_full_disk_leaves_no_half_line() -> None:
    """A file size limit is a disk that refuses, without needing a small disk."""
    script = """
        import resource, signal, sys
        from pathlib import Path
        from results.errors import JournalError
        from results.journal import Journal, read_journal
        from results.records import Ended
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        path = Path(sys.argv[1])
        with Journal(path) as journal:
            journal.append(Ended("interrupted"))
            size = path.stat().st_size
            resource.setrlimit(resource.RLIMIT_FSIZE, (size + 50, size + 50))
            try:
                journal.append(Ended("interrupted", "x" * 100))
            except JournalError as error:
                print(error)
            assert path.stat().st_size == size
        assert len(read_journal(path)) == 1
    """
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        run = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(script), f"{folder}/events.jsonl"],
            cwd=ROOT, capture_output=True, text=True, timeout=60,
        )  # fmt: skip
    assert run.returncode == 0, run.stderr
    assert "free some space" in run.stdout


WRITER = """
    import sys
    from pathlib import Path
    from results.journal import Journal
    from results.records import Observed, Message
    with Journal(Path(sys.argv[1])) as journal:
        while True:
            for _ in range(3):
                last = journal.append(Observed((Message("user", "x" * 3000),), tuple(range(500))))
            journal.commit()
            print(last.seq, flush=True)
"""


def test_a_writer_killed_at_any_moment_loses_nothing_that_it_committed(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    moments = random.Random(7)
    for _ in range(5):
        writer = subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(WRITER), str(path)],
            cwd=ROOT, stdout=subprocess.PIPE,
        )  # fmt: skip
        assert writer.stdout is not None
        committed = [writer.stdout.readline()]  # it has begun
        time.sleep(moments.uniform(0, 0.05))
        os.kill(writer.pid, signal.SIGKILL)
        committed += writer.stdout.readlines()
        writer.wait(timeout=30)
        writer.stdout.close()
        complete = [int(line) for line in committed if line.endswith(b"\n")]
        entries = read_journal(path)
        assert len(entries) > complete[-1]
        assert all(isinstance(entry.event, Observed) for entry in entries)
        with Journal(path) as journal:  # and the attempt can go on
            assert len(journal.entries) == len(entries)


def test_a_follower_sees_events_as_they_come_and_stops_with_the_writer(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    journal = Journal(path)
    journal.append(Snapshot(1, "t", "d", "/"))
    seen: list[Entry] = []
    first_look = threading.Event()

    def pause(seconds: float) -> None:
        first_look.set()
        time.sleep(seconds / 10)

    follower = threading.Thread(target=lambda: seen.extend(follow_journal(path, pause=pause)))
    follower.start()
    assert first_look.wait(30)
    journal.append(Ended("submitted"))
    journal.close()
    follower.join(30)
    assert [type(entry.event) for entry in seen] == [Snapshot, Ended]


def test_every_event_class_has_its_own_name_in_the_journal() -> None:
    assert set(KINDS) == {
        "attempt_started", "observed", "replied", "tool_ran", "snapshot", "submitted", "graded",
        "enforced", "judged", "branched", "ended",
    }  # fmt: skip
