"""Each rule: what it lets differ, and what looks like it but is a result."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from cwm_agent.prompts.packs import load
from cwm_agent.replay.compare import LINE_ORDER, SET_ORDER, compare
from cwm_agent.replay.patterns import RULES, token_rule

ID, OTHER = "4f1d2c3b4a5968778695a4b3c2d1e0f9a8b7c6d5", "0a1b2c3d4e5f60718293a4b5c6d7e8f901234567"
UUID = "2c1d9e64-0b5a-4f7e-9a3d-8f1c2b3a4d"

ALIKE = [
    ("time", "date", "Tue Nov 24 22:24:34 UTC 2026", "Wed Dec  2 01:02:03 UTC 2026"),
    ("time", "", "on Tue Nov 24 22:24:34 2026 +0000", "on Sun Nov  1 02:00:00 2026 +0100"),
    ("time", "", "at 2026-11-24T22:24:34.123Z", "at 2026-11-25T00:00:00.001Z"),
    ("time", "", "2026-11-24 22:24:34,123 INFO go", "2026-11-25 00:00:00,001 INFO go"),
    ("time", "", "built on 2026-11-24", "built on 2026-12-01"),
    ("time", "ls -l", "root 5 Nov 24 22:24 a", "root 5 Dec  1 00:01 a"),
    ("time", "", "now 1795559074.25", "now 1795559080.5"),
    ("time", "", "[22:24:34] start", "[22:25:01] start"),
    ("duration", "", "==== 5 passed in 9.98s ====", "=== 5 passed in 10.02s ==="),
    ("duration", "", "real\t0m0.012s", "real\t1m10.400s"),
    ("duration", "", "real 0.01\nuser 0.00", "real 0.03\nuser 0.01"),
    ("duration", "", "stopped after 2 seconds", "stopped after 3 seconds"),
    ("duration", "", "passed (0:00:59)", "passed (0:01:02)"),
    ("duration", "", "elapsed: 1.25", "elapsed: 0.75"),
    ("duration", "", "fetched at 1.5 MiB/s", "fetched at 22 kB/s"),
    ("duration", "", "12.5 ms per loop", "980 us per loop"),
    ("address", "", "<App object at 0x7f6146679750>", "<App object at 0x7fa5be110c10>"),
    ("address", "", "pc 0x00007f6146679750", "pc 0x000055a1b2c3d4e5"),
    ("address", "", "id 140055874312016", "id 139872389472144"),
    ("temporary name", "", "in /tmp/tmpab12cd_4/x", "in /tmp/tmpzz00zz00/x"),
    ("temporary name", "", "/tmp/tmp.Ab3dEf9h1K", "/tmp/tmp.zzzzzzzzz1"),
    ("temporary name", "", "/tmp/pytest-of-root/pytest-0/a", "/tmp/pytest-of-root/pytest-11/a"),
    ("temporary name", "", "/tmp/build-ab12cd_4", "/tmp/build-zz00zz00"),
    ("temporary name", "", "/tmp/ccAb3dEf.o: no", "/tmp/ccZZZZZ1.o: no"),
    ("process id", "", "server pid=123 up", "server pid=45 up"),
    ("process id", "", "Process 123 ended", "Process 45 ended"),
    ("process id", "sleep 5 &", "[1] 123", "[1] 4567"),
    ("process id", "", "line 3:   123 Killed   sleep 5", "line 3:  4567 Killed   sleep 5"),
    ("process id", "ps", "  123 ?  00:00:00 bash", " 4567 ?  00:00:00 bash"),
    ("process id", "ps aux", "root  12  0.0  0.1 bash", "root 345  0.0  0.1 bash"),
    ("process id", "", "==123== ERROR", "==4567== ERROR"),
    ("commit id", "git log", f"commit {ID}", f"commit {OTHER}"),
    ("commit id", "git commit", "[main 4f1d2c3] Fix", "[main 0a1b2c3] Fix"),
    ("commit id", "git log --oneline", "4f1d2c3 Fix", "0a1b2c3 Fix"),
    ("commit id", "git reset", "HEAD is now at 4f1d2c3 Fix", "HEAD is now at 0a1b2c3 Fix"),
    ("commit id", "git merge", "Updating 4f1d2c3..1111111", "Updating 0a1b2c3..2222222"),
    ("commit id", "git rev-parse HEAD", ID, OTHER),
    ("commit id", "git stash", "WIP on main: 4f1d2c3 Fix", "WIP on main: 0a1b2c3 Fix"),
    ("random id", "", f"{UUID}5e", f"{UUID}5f"),
    ("host name", "hostname", "d83f8c6e7261", "e2ca1c5dd77d"),
    ("host name", "", "root@d83f8c6e7261:/#", "root@e2ca1c5dd77d:/#"),
    ("host name", "uname -a", "Linux d83f8c6e7261 6.1", "Linux e2ca1c5dd77d 6.1"),
    ("port", "", "http://127.0.0.1:40001/", "http://127.0.0.1:51234/"),
    (SET_ORDER, "python x.py", "{'a', 'b', 'c'}", "{'c', 'a', 'b'}"),
    (LINE_ORDER, "find . -name '*.py'", "./a\n./b", "./b\n./a"),
    (LINE_ORDER, "grep -rn x src", "a:1\nb:2", "b:2\na:1"),
    (LINE_ORDER, "ls -U", "a\nb", "b\na"),
    (LINE_ORDER, "python -c 'import os; print(*os.listdir(), sep=chr(10))'", "a\nb", "b\na"),
]  # fmt: skip

DIFFERENT = [
    ("a count", "", "5 passed in 0.1s", "4 passed in 0.1s"),
    ("a count beside a duration", "", "5 passed, 1 failed in 0.1s", "5 passed in 0.2s"),
    ("a version", "", "flask 2.2.5", "flask 2.3.0"),
    ("a line number", "", "a.py:12: error", "a.py:13: error"),
    ("a size", "ls -l", "root 5 Nov 24 22:24 a", "root 6 Nov 24 22:24 a"),
    ("a mask of bits", "", "mask 0xdeadbeef", "mask 0xcafebabe"),
    ("a number", "", "result 12345678", "result 12345679"),
    ("a name in /tmp", "", "/tmp/fix.patch", "/tmp/other.patch"),
    ("a word after tmp", "", "tmp_folder_a", "tmp_folder_b"),
    ("ids of contents", "git diff", "index 4f1d2c3..1111111", "index 4f1d2c3..2222222"),
    ("a checksum", "sha1sum a", f"{ID}  a", f"{OTHER}  a"),
    ("a hash of a file", "git hash-object a", ID, OTHER),
    ("the text of a commit", "git log --oneline", "4f1d2c3 Fix", "4f1d2c3 Break"),
    ("a port that was asked for", "", "localhost:8000", "localhost:8080"),
    ("a word of 12 letters", "cat a", "d83f8c6e7261", "e2ca1c5dd77d"),
    ("the order of a list", "python x.py", "['a', 'b']", "['b', 'a']"),
    ("the members of a set", "python x.py", "{'a', 'b'}", "{'a', 'c'}"),
    ("a table", "python x.py", "{'a': 1, 'b': 2}", "{'b': 2, 'a': 1}"),
    ("the order of an ordered command", "sort names", "a\nb", "b\na"),
    ("the order of lines of ls", "ls", "a\nb", "b\na"),
    ("lines of a program that searches", "python -c 'print(x.find(1))'", "a\nb", "b\na"),
    ("a list before a number", "python x.py && ls", "[1] 42", "[1] 43"),
    ("a number after a list", "sleep 1 &", "[1]\n42", "[1]\n43"),
    ("a line more", "find .", "./a\n./b", "./a\n./b\n./c"),
    ("an exit in a log", "", "worker 3 exited with 1", "worker 3 exited with 2"),
    ("a bare number", "", "42", "43"),
    ("a fraction", "", "score 0.75", "score 0.80"),
    ("blanks", "", "a  b", "a b"),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "call", "recorded", "now"), ALIKE)
def test_what_a_rule_lets_differ(rule: str, call: str, recorded: str, now: str) -> None:
    around = "before\n{}\nafter"
    comparison = compare(around.format(recorded), around.format(now), call)
    assert comparison.same, comparison.lines
    assert rule in comparison.used
    assert compare(recorded, now, call).same


@pytest.mark.parametrize(
    ("recorded", "now", "call"),
    [pytest.param(r, n, c, id=name) for name, c, r, n in DIFFERENT],
)
def test_what_no_rule_lets_differ(recorded: str, now: str, call: str) -> None:
    comparison = compare(recorded, now, call)
    assert not comparison.same
    assert comparison.lines is not None


def test_every_rule_is_tried_and_documented() -> None:
    names = {rule.name for rule in RULES} | {LINE_ORDER, SET_ORDER}
    assert {rule for rule, *_ in ALIKE} == names
    text = (Path(__file__).parents[3] / "docs" / "replay.md").read_text()
    assert [name for name in sorted(names) if f"| {name} |" not in text] == []


def test_only_values_that_differ_are_counted() -> None:
    recorded = "a at 0x7f0000000001, b at 0x7f0000000002 in 0.10s"
    now = "a at 0x7f0000000001, b at 0x7f0000000003 in 0.10s"
    assert compare(recorded, now, "").used == {"address": 1}
    assert compare(recorded, recorded, "").used == {}


@pytest.mark.parametrize("piece", [" ", "_", "-", "{", "[", "0x", "/tmp/a-", "1", "a ", "⟨", "="])
def test_no_text_takes_long(piece: str) -> None:
    text = piece * (100_000 // len(piece))
    start = time.perf_counter()
    compare(f"{text}\nin 0.1s {text}", f"{text}\nin 0.2s {text}", "find .")
    assert time.perf_counter() - start < 60  # minutes, if it grew with the square


def test_the_first_line_that_differs_is_shown_as_it_was() -> None:
    comparison = compare("in 0.1s\nok 2\nx", "in 0.2s\nok 3", "")
    assert comparison.lines == ("ok 2", "ok 3")
    assert compare("a", "a\nb", "").lines == (None, "b")
    assert compare("a\nb", "a", "").lines == ("b", None)


def test_counts_of_tokens_may_differ_in_the_notices_only() -> None:
    texts = load("default")
    rules = (*RULES, token_rule(texts.templates))

    def said(turns: int, tokens: int, left_out: int) -> str:
        cut = texts.render("result.cut", left_out=left_out, total=left_out + 100)
        budget = texts.render("result.budget", remaining_turns=turns, remaining_tokens=tokens)
        return f"{cut}\n\n{budget}"

    assert compare(said(5, 1000, 7), said(5, 990, 8), "", rules).used == {"tokens": 3}
    assert not compare(said(5, 1000, 7), said(4, 1000, 7), "", rules).same
    assert not compare("Remaining tokens 5", "Remaining tokens 6", "", rules).same
