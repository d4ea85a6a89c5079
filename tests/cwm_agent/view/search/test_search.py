"""The filter language, and the index of words."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from cwm_agent.errors import UsageError
from cwm_agent.view.search.filters import parse_filter
from cwm_agent.view.search.index import SearchIndex
from cwm_agent.view.sources.row import Row, with_siblings
from cwm_agent.view.sources.runs import RunSource
from results.records import AttemptStarted, Message, Observed, Replied, Reply, RunInfo
from results.store import Run, Store

ROWS = with_siblings(
    [
        Row("r", "django__django-1", 0, "resolved", Path(), "submitted", 30, 9000, 60.0, ("bash",)),
        Row("r", "django__django-1", 1, "unresolved", Path(), "time_limit", 50, 99, 5.0, ("edit",)),
        Row("s", "flask-2", 0, "live", Path(), "running", 3),
        Row("s", "flask-3", 0, "error", Path(), "sandbox_error", 7),
        Row("s", "flask-4", 0, "damaged", Path(), "damaged"),
    ]
)  # fmt: skip


@pytest.mark.parametrize(
    ("said", "places"),
    [
        ("", [0, 1, 2, 3, 4]),
        ("fail", [1]), ("pass", [0]), ("err", [3, 4]), ("live", [2]), ("flip", [0, 1]),
        ("exit:timeout", [1]), ("tool:edit", [1]), ("repo:django", [0, 1]), ("run:s", [2, 3, 4]),
        ("steps>40", [1]), ("steps>=30 pass", [0]), ("tokens>8k", [0]), ("sample=1", [1]),
        ("-repo:django", [2, 3, 4]), ("not:flip live", [2]), ("live|damaged", [2, 4]),
        ("flask-3", [3]), ('"DJANGO-1"', [0, 1]), ("state:live", [2]), ("seconds<10 fail", [1]),
    ],
)  # fmt: skip
def test_what_a_filter_lets_through(said: str, places: list[int]) -> None:
    wanted = parse_filter(said)
    assert [place for place, row in enumerate(ROWS) if wanted.holds(row)] == places


@pytest.mark.parametrize("said", ['text:"open', "height>3", "exit:", 'text:"x"'])
def test_a_filter_that_cannot_be_read_says_why(said: str) -> None:
    with pytest.raises(UsageError):
        parse_filter(said)


def made(folder: Path, *texts: str) -> Run:
    run = Store(folder).create(RunInfo("2026-11-22T10:00:00Z", ()), "r")
    for sample, text in enumerate(texts):
        with run.attempt("x-1", sample).journal() as journal:
            journal.append(AttemptStarted("x-1", sample, "p", "s", "d", "improved", 1, "b"))
            journal.append(Observed((Message("user", "the issue"),)))
            journal.append(Replied(1, Reply("I look.")))
            journal.append(Observed((Message("tool: bash", text),)))
    return run


def test_words_are_found_with_their_step_and_only_what_changed_is_read_again(
    tmp_path: Path,
) -> None:
    run = made(tmp_path, "KeyError: 'separable_matrix'", "all is well \ud800 \x00", "")
    source = RunSource(run)
    path = run.folder / "search.db"
    with closing(SearchIndex(path, source)) as index:
        assert index.update(source.rows()) == 3
        assert index.update(source.rows()) == 0
        (hit,) = index.find("keyerror: 'separable_mat")
        assert (hit.key, hit.step) == (("r", "x-1", 0), 1)
        assert {hit.step for hit in index.find("the issue")} == {0}
        assert index.find("parable") == index.find("'\"") == index.find("") == []
        assert index.holding("well") == {("r", "x-1", 1)}
    with run.find("x-1", 2).journal() as journal:
        journal.append(Observed((Message("tool: bash", "well, now"),)))
    path.write_bytes(path.read_bytes()[:100])  # a damaged index is made anew
    with closing(SearchIndex(path, source)) as index:
        index.update(source.rows())
        assert index.holding("well") == {("r", "x-1", 1), ("r", "x-1", 2)}
