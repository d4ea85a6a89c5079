"""A table by real execution: each kind of candidate, each kind of column."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import handmade
import pytest
from handmade import Changes

from cwm_agent.config.resolve import Resolved, load_settings
from cwm_agent.scaling.gather import gather
from cwm_agent.scaling.table import Table
from cwm_agent.tasks.job import Job, TestsRecord
from envs.progress import quiet

CODE = '''\
def double(number):
    """Twice the number."""
    return number + 2


def half(number):
    """Half of it."""
    return number / 2
'''
TESTS = """\
from shop.sums import double, half


def test_double_of_two():
    assert double(2) == 4


def test_half():
    assert half(8) == 4


def test_that_fails_anyway():
    assert half(8) == 5
"""
ISSUE = "`double(5)` gives 7, but it should be 10."
RIGHT = CODE.replace("number + 2", "number * 2")
FILES = {"shop/__init__.py": "", "shop/sums.py": CODE, "tests/test_sums.py": TESTS}
SAYS_SO = 'print("Issue resolved")\n'
CANDIDATES: dict[str, Changes] = {
    "right": {"shop/sums.py": RIGHT},
    "right, other words": {"shop/sums.py": CODE.replace("number + 2", "2 * number")},
    "right, other layout": {
        "shop/sums.py": CODE.replace("number + 2", "(number\n            * 2)  # twice")
    },
    "for the quoted call only": {
        "shop/sums.py": CODE.replace("number + 2", "10 if number == 5 else number + 2")
    },
    "breaks another function": {"shop/sums.py": RIGHT.replace("/ 2", "// 3")},
    "wrong": {"shop/sums.py": CODE.replace("number + 2", "number + 3")},
    "nothing": {},
    "tests only": {"tests/test_sums.py": TESTS.replace("assert", "assert True or")},
    "steers the tests": {
        "shop/sums.py": CODE.replace("number + 2", "number + 3"),
        "conftest.py": "import pytest\n",
        "tests/conftest.py": "def pytest_runtest_call(item):\n    item.obj = lambda: None\n",
    },
    "says that it is solved": {"shop/sums.py": SAYS_SO + CODE},
}
MARKED = """\
from shop.sums import double

try:
    print({5: "never", 7: "Issue reproduced", 10: "Issue resolved"}.get(double(5), "Other issues"))
except Exception:
    print("Other issues")
"""
WROTE = """right
</think>
<tool: bash>
python -c "from shop.sums import double; assert double(7) == 14"
</tool>"""
ANNOUNCED = """It should print 18
</think>
<tool: bash>
python -c "from shop.sums import double; print(double(9))" 2>&1 | tail -n 1
</tool>"""


def settings(**more: object) -> Resolved:
    return load_settings(flags={"scaling.tests": 0, "batch.workers": 2, **more}, environment={})


def job_of(folder: Path, sandbox: str) -> Job:
    where = handmade.repository(folder / "repository", FILES)
    return handmade.job("double", where, ISSUE, sandbox)


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Table:
    return _table(tmp_path_factory.mktemp("evidence"), "bubblewrap")


def _table(folder: Path, sandbox: str) -> Table:
    what = job_of(folder, sandbox)
    source = what.source()
    assert source is not None
    patches = [handmade.patch(source.root, changes) for changes in CANDIDATES.values()]
    run = handmade.handmade_run(folder / "runs", what, patches, {0: [WROTE, ANNOUNCED]})
    (gathered,) = gather(run, settings(), quiet)
    assert gathered.table is not None, gathered.error
    return gathered.table


def passed(table: Table, name: str) -> set[str]:
    """The candidates that pass the column of that name."""
    (column,) = [column for column in table.columns if name in column.name]
    names = list(CANDIDATES)
    return {
        names[candidate.sample]
        for candidate in table.candidates
        if (cell := table.cell(candidate, column)) is not None and cell.passed
    }


EVERY = set(CANDIDATES)
ALIKE = {"right", "right, other words", "right, other layout"}
SOLVE = {*ALIKE, "breaks another function"}


def test_tests_that_pass_before_are_regressions_and_others_are_left_out(table: Table) -> None:
    names = {column.name for column in table.of_kind("existing")}
    assert names == {
        "tests/test_sums.py::test_double_of_two",
        "tests/test_sums.py::test_half",
    }
    assert passed(table, "::test_half") == EVERY - {"breaks another function"}
    assert passed(table, "::test_double_of_two") == EVERY - {"wrong", "steers the tests"}


def test_a_call_of_the_issue_is_a_reproduction(table: Table) -> None:
    (column,) = table.of_kind("generated")
    assert (column.role, column.before) == ("reproduction", "fail")
    assert passed(table, "the issue's double(5)") == SOLVE | {"for the quoted call only"}


def test_what_a_sample_wrote_is_harvested(table: Table) -> None:
    assert {column.origin for column in table.of_kind("harvested")} == {0}
    assert passed(table, "assert double(7)") == SOLVE
    assert passed(table, "print(double(9))") == SOLVE


def test_calls_tell_candidates_apart_that_tests_do_not(table: Table) -> None:
    of = {list(CANDIDATES)[c.sample]: c.behaviour for c in table.candidates}
    assert of["right"] == of["right, other words"] != ""
    assert of["right"] not in {of[name] for name in EVERY - ALIKE}
    assert table.of_kind("distinguishing")


def test_equal_code_is_one_whatever_its_layout(table: Table) -> None:
    code = {list(CANDIDATES)[c.sample]: c.ast for c in table.candidates}
    assert code["right"] == code["right, other layout"] != code["right, other words"]
    assert {name for name, key in code.items() if not key} == {"nothing", "tests only"}


def test_a_change_that_only_prints_or_edits_tests_gains_nothing(table: Table) -> None:
    for name in ("nothing", "tests only", "steers the tests", "says that it is solved"):
        rows = [c for c in table.candidates if list(CANDIDATES)[c.sample] == name]
        reproductions = table.of_role("reproduction")
        cells = [table.cell(row, column) for row in rows for column in reproductions]
        assert cells
        assert not any(cell is not None and cell.passed for cell in cells), name


@pytest.mark.docker
@pytest.mark.slow
def test_docker_gives_the_same_table(table: Table, tmp_path: Path) -> None:
    assert _plain(_table(tmp_path, "docker")) == _plain(table)


def test_the_graders_tests_cannot_be_read(
    table: Table, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They stand in the job beside the samples, and whoever touches them raises."""
    what = replace(job_of(tmp_path, "bubblewrap"), tests=handmade.hidden_tests())
    source = what.source()
    assert source is not None
    patches = [handmade.patch(source.root, changes) for changes in list(CANDIDATES.values())[:2]]
    run = handmade.handmade_run(tmp_path / "runs", what, patches, {0: [WROTE, ANNOUNCED]})

    def unreadable(self: object) -> object:
        raise AssertionError("the grader's tests were read")

    for name in ("fail_to_pass", "pass_to_pass", "files", "command"):
        monkeypatch.setattr(TestsRecord, name, property(unreadable, lambda self, value: None))
    monkeypatch.setattr(TestsRecord, "restore", unreadable)
    (gathered,) = gather(run, settings(), quiet)
    assert gathered.table is not None
    read = gathered.table
    assert {column.name for column in read.of_kind("existing", "generated", "harvested")} == {
        column.name for column in table.of_kind("existing", "generated", "harvested")
    }
    for candidate in read.candidates:
        for column in read.of_kind("existing", "generated", "harvested"):
            cell, other = read.cell(candidate, column), table.cell(candidate, column)
            assert cell is not None
            assert other is not None
            assert cell.outcome == other.outcome


def _plain(table: Table) -> object:
    """Without times."""
    cells = {
        candidate: {column: replace(cell, seconds=0.0) for column, cell in row.items()}
        for candidate, row in table.cells.items()
    }
    return table.candidates, table.columns, cells
