"""Branches that are computed instead of predicted: a level of its own, never false."""

from __future__ import annotations

from collections import Counter

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
    while half(half(total)) + half(2) > 1:
        total -= 3
    names = [w.upper() for w in words if len(w) > total]
    if any(len(w) > 2 for w in words) and sorted(words)[0] == 'ab':
        return ', '.join(names) + str(table[9])
    return table


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


def test_where_a_branch_goes_is_certain_and_what_is_computed_is_not() -> None:
    steps = along(PROGRAM, "branches")
    after = {"line 9": "if", "line 11": "else", "line 13": "while", "line 16": "if"}
    gone = [(name, others) for name, others, *_ in steps if name in after]
    assert gone == [(name, []) for name in ("line 9", "line 11", "line 11", "line 13", "line 16")]
    assert [name for name, *_ in along(PROGRAM, "moves")] == [name for name, *_ in steps]
    computed = [values for _, _, values, _ in steps if "total" in values or "names" in values]
    assert computed == [{"total": "0"}], "only the literal is certain"
    assert any(others for _, others, _, _ in steps), "what a loop takes is open"


def test_at_the_lowest_level_nothing_but_the_lines_is_certain() -> None:
    assert all(not values and value is None for _, _, values, value in along(PROGRAM, "none"))


def test_a_level_that_is_none_is_refused() -> None:
    with pytest.raises(UsageError, match=r"^certain: all is none of none, moves, branches$"):
        level("all")


HIDDEN = {
    "a call changes what the condition has still to read": """
def g(xs):
    xs.append(len(xs))
    return len(xs)


def f():
    xs = [5]
    while g(xs) > len(xs) and len(xs) < 5:
        xs.append(0)
    if len(xs) < g(xs) < 4 or len(xs) == 3:
        return xs
    return g(g(xs) * [1])
""",
    "calls are left out, and end by an exception": """
def g(n):
    return 6 // n


def f():
    n = 0
    if g(3) and g(9) and g(1) or g(2) == 3:
        n = 1
    if g(2) if g(9) else g(g(2)):
        n += 1
    try:
        if g(1) and g(0):
            n = 5
    except ZeroDivisionError:
        n += 2
    return n
""",
    "a condition has an effect": """
def f():
    xs, seen, table = [3, 2, 0, 1], {1}, {}
    while xs.pop():
        n = len(xs)
    if not seen.add(2) and table.setdefault('a', xs):
        xs.append(4)
    if (n := len(xs)) > 2:
        return table, n
    return n, xs
""",
    "a condition raises": """
def f():
    xs, n = [1], 0
    for place in (0, 1, 2):
        try:
            if xs[place] // n:
                n = 5
        except (IndexError, ZeroDivisionError):
            n += place
    del xs
    try:
        while xs:
            n = 9
    except UnboundLocalError:
        return n
""",
    "a closure binds a variable of a condition": """
def call(it):
    return it()


def f():
    n = 1

    def more():
        nonlocal n
        n += 1
        return n

    while n < 4:
        more()
    if n + more() + n > 13:
        n = 1
    if call(more) == n:
        n += 1
    return n
""",
    "names of the language mean something else": """
def len(xs):
    return 3


def f():
    sorted = list
    if len([1]) == 1:
        return 1
    if sorted([2, 1])[0] == 1:
        return 2
    return 3
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
    if g() + limit > 3:
        return bonus
    return 0
""",
    "the language's names are reached by another way": """
import sys


def f():
    sys._getframe().f_globals.update(len=lambda xs: 7)
    if len([1]) == 1:
        return 1
    return 0
""",
    "a set forgets, and so has another order": """
def f():
    s = {15}
    s.add(7)
    s.discard(15)
    s.add(5)
    pair = [s]
    if list(s)[0] == 5:
        return 1
    if [x for x in pair[0]] == [5, 7]:
        return 2
    return 3
""",
    "texts that are cut, or have an address": """
def f():
    text, much = str(f), 'a' * 999
    if len(text) > 30:
        n = 1
    if len(much) < 500 or much[-3:] == '...':
        return 0
    while text[-3:] != 'xx>' and n < 3:
        n += 1
    return n
""",
    "branches within branches": """
def f():
    n, seen = 5, []
    while n:
        if n == 4:
            seen.append(n)
        elif n % 2:
            while n > 3: n -= 1
            if n < 3: break
        else:
            if seen:
                n -= 1
                continue
        n -= 1
    else:
        return seen
    while n > 0:
        n -= 1
    else:
        n = 7
    if n == 7:
        pass
    if n == 8:
        return 1
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


@pytest.mark.parametrize("name", sorted(HIDDEN | TRICKY | MOVED))
def test_no_branch_is_computed_that_can_go_elsewhere_unseen(name: str) -> None:
    main = "\n\ndef main():  # << START_OF_TRACE\n    return f()\n"
    source = HIDDEN[name] + main if name in HIDDEN else (TRICKY | MOVED)[name]
    for comprehensions in (True, False):
        read = Program.read(source, comprehensions=comprehensions)
        frames = record_here(request_of(read, most=150)).frames
        assert len(frames) > 3
        assert check(read, frames, Counter(), "branches") == []
