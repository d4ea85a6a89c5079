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
}
MOVED = with_main(_BODIES)
