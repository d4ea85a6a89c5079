"""Programs that move values into and out of containers, also where it fails or is seen twice."""

from __future__ import annotations

from tricky import with_main

_BODIES = {
    "what is put into a list is what another name holds": """
def f():
    a = [1]
    b = [a, [2]]
    c = b[0]
    c.append(3)
    b.append(c)
    d = {"k": a}
    d["k"] = [a]
    d["j"] = d.pop("k")
    e = b.pop()
    e.insert(0, 9)
    a.clear()
    grid = [[0] * 2] * 2
    grid[0] = [5, 6]
    row = grid[1]
    row[0] = 7
    del row[1]
    return a, b, c, d, e, grid
""",
    "parts that are not there, and methods of another kind of thing": """
def f():
    d, xs, s = {"a": 1}, [1, 2], "abc"
    try:
        y = d["b"]
    except KeyError:
        y = xs[-1]
    try:
        y = xs[5]
    except IndexError:
        y = xs[True]
    try:
        xs.append(1, 2)
    except TypeError:
        z = d.get("b", s[1:])
    try:
        s.append("d")
    except AttributeError:
        w = f"{y}-{s!r} {d} {None}{{}}"
    u = f"{y:>4}"
    xs.extend(s)
    xs.extend(xs)
    xs.reverse()
    t = xs.pop(0)
    return xs, z, w, u, t
""",
    "ranges and sorted lists of which not all is known": """
def g(x):
    return -x


def f():
    out, n = [3, 1, 2], 3
    for i in range(n - 1, -1, -1):
        i += 10
    for i, x in enumerate(sorted(out), start=n):
        out.append(x)
        if len(out) > 5:
            break
    for x in sorted(out, key=g):
        y = x
    for x in sorted([]):
        y = x
    for i in range(len(out)):
        if i == 2:
            break
    for i, (a, b) in enumerate(zip(out, reversed(out)), 1):
        y = a
    for x in reversed(out[1:]):
        y = x
    for x in []:
        pass
    for x in list(out):
        out.remove(x)
    try:
        for x in sorted([1, "a"]):
            y = x
    except TypeError:
        for x in reversed({"p": 1, "q": 2}):
            y = x
    for first, *rest in [(1, 2, 3), "xy"]:
        y = rest
    for x in {n, 9}:
        y = [*out, *rest, x]
    m = {**{"a": 1}, "b": y}
    return y, m
""",
    "an element is what the loop walks over": """
def f():
    rows = [[1, 2], [3]]
    for x in rows[0]:
        rows[0].append(x)
        if len(rows[0]) > 4:
            rows[0] = []
            break
    for x in rows[1][:]:
        rows[1].append(x)
    return rows
""",
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
}
MOVED = with_main(_BODIES)
