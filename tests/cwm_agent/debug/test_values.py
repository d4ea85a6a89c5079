"""Branches and values that are computed instead of predicted: a level of its own, never false."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import pytest
from test_certain import check
from tricky import TRICKY
from tricky_moves import MOVED

from cwm_agent.debug.certain.contents import Level, level
from cwm_agent.debug.certain.outlook import outlook
from cwm_agent.debug.frames.state import Moment
from cwm_agent.debug.legal.program import Program
from cwm_agent.debug.record.here import record_here
from cwm_agent.debug.record.recording import request_of
from cwm_agent.errors import UsageError

PROGRAM = """\
def half(n):
    return n // 2


def f(xs, words, table):
    total = 0
    for x in sorted(xs, reverse=True):
        if x % 2 == 0:
            total += half(x) + half(x + 2)
        else:
            table.setdefault(x, []).append(total)
    while total > 3:
        total -= 3
    names = [w.upper() for w in words if len(w) > total]
    names[0], names[-1] = names[-1], names[0]
    assert names, 'no names'
    return ', '.join(names) + str(table[9])


def main():  # << START_OF_TRACE
    return f([1, 4, 3], ['ab', 'cde', 'fgh'], {})
"""


def along(source: str, which: Level) -> list[tuple[str, list[str], dict[str, str], str | None]]:
    """At each real step: what it is, what else could come, and what of it is certain."""
    here, found = Moment.start(Program.read(source, comprehensions=False)), []
    for frame in record_here(request_of(here.program)).frames:
        ways = outlook(here, which)
        here = here.after(frame)
        mine = (frame.event, here.line)
        content = next(c for m, c in ways.items() if (m.event, m.line) == mine)
        others = sorted(f"{m.event} {m.line}" for m in ways if (m.event, m.line) != mine)
        values = {name: text for name, text in content.values.items() if text != ".."}
        found.append((f"{mine[0]} {mine[1]}", others, values, content.value))
    return found


def test_at_the_level_of_values_only_one_step_is_left_and_all_of_it_is_certain() -> None:
    steps = along(PROGRAM, "values")
    assert [others for _, others, _, _ in steps] == [[]] * len(steps)
    read = Program.read(PROGRAM, comprehensions=False)
    real = record_here(request_of(read)).frames
    for (_, _, values, value), frame in zip(steps[1:], real[1:], strict=True):
        assert values == {n: text for n, text in frame.locals if text != ".."}
        assert (value or "") == frame.value
    assert steps[-4][3] == "KeyError: 9"


def test_at_the_level_of_branches_values_are_left_to_the_model() -> None:
    steps = along(PROGRAM, "branches")
    branches = [after for before, after in pairwise(steps) if before[0] in ("line 8", "line 12")]
    assert len(branches) == 5
    assert [after[1] for after in branches] == [[]] * len(branches)
    computed = [values for _, _, values, _ in steps if "total" in values or "names" in values]
    assert computed == [{"total": "0"}], "only the literal is certain"
    assert any(others for _, others, _, _ in steps), "what a loop takes is open"


def test_at_the_lowest_level_nothing_but_the_lines_is_certain() -> None:
    assert all(not values and value is None for _, _, values, value in along(PROGRAM, "none"))


def test_a_level_that_is_none_is_refused() -> None:
    with pytest.raises(UsageError, match="none, moves, branches, values"):
        level("all")


HIDDEN = {
    "an alias within a container is changed": """
def f():
    row = [0]
    grid = [row, row, [0]]
    grid[0].append(1)
    grid[2].append(grid[1])
    grid[0][0] += 5
    row += [9]
    return grid
""",
    "an alias is read after the change": """
def f():
    xs = [1, 2]
    ys = xs
    xs[0], ys[1] = ys[1], xs[0]
    ys[0], n = 7, len(xs)
    xs.append(ys)
    return n, len(xs)
""",
    "a default is shared by the keys of a table": """
def f():
    shared = []
    table = {}
    for k in 'ab':
        table.setdefault(k, shared).append(k)
    table['a'] += ['c']
    return table
""",
    "a call changes what the line has still to read": """
def g(xs):
    xs.append(len(xs))
    return len(xs)


def f():
    xs = [5]
    n = g(xs) + g(xs) * len(xs)
    table = {g(xs): g(xs)}
    if g(xs) > len(xs) - 1:
        return n, table
    return xs
""",
    "a closure binds a variable that a line computes with": """
def f():
    n = 1

    def more():
        nonlocal n
        n += 1
        return n

    total = n + more() + n
    while n < 4:
        more()
    k = n
    return total, [k + i for i in range(n)]
""",
    "names of the language mean something else": """
def len(xs):
    return 3


def f():
    sorted = list
    n = len([1]) + max([1, 2])
    return sorted([n, 1])
""",
    "globals are bound behind the back": """
limit = 3


def g():
    global limit
    limit = 5
    return 0


def f():
    if limit > 3:
        return 1
    n = g() + limit
    if limit > 3:
        return n + bonus
    return 0
""",
    "a set forgets, and so has another order": """
def f():
    s = {15}
    s.add(7)
    s.discard(15)
    s.add(5)
    xs = list(s)
    t = s | {1}
    ys = [x for x in t]
    return xs, ys
""",
    "texts of things that have an address": """
def f():
    text = str(f)
    n = len(text)
    part = text[:-1]
    return n > 20, f'{f!r}'[0], part == text
""",
    "exceptions in the middle of a line": """
def f():
    xs = [3, 1]
    try:
        xs.append(xs.pop() // 0)
    except ZeroDivisionError as error:
        said = str(error)
    try:
        a, xs[5] = 1, 2
    except IndexError:
        b = xs
    try:
        xs += [4] + None
    except TypeError:
        b = len(xs)
    for a, c in [(1, 2), (3,)]:
        b += a
    return said, xs, b
""",
    "a name is deleted, or has no value yet": """
def f():
    x = 1
    del x
    try:
        y = x + 1
    except UnboundLocalError:
        y = 2
    if y > 5:
        z = 1
    return z + y
""",
    "a row changes before the loop comes to it": """
def f():
    rows = [[2], [1]]
    for row in sorted(rows):
        rows[0].append(0)
        first = row[0]
    for row in [r for r in rows]:
        row.append(9)
        n = len(row) + len(rows[1])
    return rows, first, n
""",
    "values that change while they are compared": """
class N:
    def __init__(self, n):
        self.n = n

    def __eq__(self, other):
        self.n += 1
        return self.n > other


def f():
    n = N(1)
    if n == 2:
        return 1
    if n == 2 or n.n > 9:
        return n.n
    return 0
""",
}


@pytest.mark.parametrize("which", ["branches", "values"])
@pytest.mark.parametrize("name", sorted(HIDDEN | TRICKY | MOVED))
def test_nothing_is_computed_that_can_change_unseen(name: str, which: Level) -> None:
    main = "\n\ndef main():  # << START_OF_TRACE\n    return f()\n"
    source = HIDDEN[name] + main if name in HIDDEN else (TRICKY | MOVED)[name]
    for comprehensions in (True, False):
        read = Program.read(source, comprehensions=comprehensions)
        frames = record_here(request_of(read, most=150)).frames
        assert len(frames) > 3
        assert check(read, frames, Counter(), which) == []
