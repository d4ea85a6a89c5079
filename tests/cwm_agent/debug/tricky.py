"""Programs in which values change where a line does not show it, or are not what they look like."""

from __future__ import annotations

MAIN = "\n\ndef main():  # << START_OF_TRACE\n    return f()\n"
_BODIES = {
    "an alias is appended to": """
def f():
    a = []
    b = a
    c = [a, 1]
    a.append(1)
    b.append(2)
    b += [3]
    return a, b, c
""",
    "an element is changed through a loop": """
def f():
    rows = [[1], [2]]
    for row in rows:
        row.append(0)
    first = rows[0]
    first[0] = 9
    rows[1] += [7]
    return rows
""",
    "a list grows while it is iterated": """
def f():
    items = [1, 2]
    for item in items:
        if len(items) < 5:
            items.append(item)
        x = item
    return items
""",
    "a list is emptied while it is iterated": """
def f():
    items = [1, 2, 3, 4]
    for item in items:
        items.remove(item)
    return items
""",
    "the name is bound again in its loop": """
def f():
    items = [1, 2, 3]
    for item in items:
        items = [9]
    for item in items:
        item = item + 1
    return items
""",
    "a class with a repr of its own": """
class C:
    def __init__(self):
        self.n = 0

    def __repr__(self):
        return str(self.n)


def f():
    c = C()
    c.n += 1
    d = c
    c.n = 5
    return d
""",
    "a lambda changes what it holds": """
def f():
    seen = []
    note = lambda x: seen.append(x) or x
    y = note(1)
    z = [note(n) for n in (1, 2)]
    w = sorted([2, 1], key=note)
    return seen, w
""",
    "a generator changes a list when it goes on": """
def f():
    seen = []
    flow = (seen.append(n) or n for n in [1, 2, 3])
    for n in flow:
        m = n
    rest = sum(n for n in seen)
    return seen
""",
    "an inner function binds a variable": """
def f():
    x = 1

    def g():
        nonlocal x
        x += 1
        return x

    y = g()
    z = x
    a, b = g(), x
    return x, y, z
""",
    "names are taken away": """
def f():
    x = y = 2
    del x
    x = 3
    try:
        raise ValueError("no")
    except ValueError as y:
        z = 1
    return x
""",
    "conditional and chained bindings": """
def f():
    a = b = []
    b.append(1)
    c = a if a else b
    if (n := len(a)) and n > 0:
        m = n
    while m:
        m -= 1
    else:
        k = m
    a, b = b, a
    (p, q), r = (1, 2), 3
    p, *r = [1, 2, 3]
    return a, b, c, k
""",
    "a default that was changed": """
def g(x, seen=[], k=2):
    seen.append(x)
    return seen


def f():
    a = g(1)
    b = g(2)
    c = g(3, k=4)
    return a, b, c
""",
    "finally has the last word": """
def g():
    x = 1
    try:
        return x
    finally:
        x = 2


def h():
    try:
        return 1
    finally:
        return 2


def f():
    a = g()
    b = h()
    return a + b
""",
    "exceptions pass through calls": """
def g(x):
    if x:
        raise ValueError("bad")
    raise KeyError("k")


def f():
    try:
        y = g(1)
    except ValueError as error:
        y = 0
    try:
        y = g(0)
    except KeyError:
        y = 1
    for n in [1]:
        try:
            z = g(n)
        except ValueError:
            continue
        finally:
            w = n
    return y
""",
    "an exception is swallowed by a with": """
class C:
    def __enter__(self):
        return self

    def __exit__(self, *a):
        return True


def g():
    with C() as c:
        raise ValueError("x")
    return 5


def f():
    y = g()
    return y
""",
    "a function is replaced": """
def g(x):
    return x


def h(x):
    return -x


def f():
    global g
    a = g(1)
    g = h
    b = g(1)
    return a, b
""",
    "range, len and zip mean something else": """
def range(n):
    return [7, 8]


def f():
    for i in range(3):
        x = i
    for i, j in zip([1, 2, 3], "ab"):
        x = j
    for k in {"a": 1, "b": 2}.items():
        x = k
    return x
""",
    "loops inside loops, left and entered again": """
def f():
    out = []
    for i in range(2):
        for j in [1, 2, 3]:
            if j == 2:
                break
            out.append((i, j))
        else:
            i = 9
        for c in "ab":
            continue
    for d in {"x": 1}:
        e = d
    return out
""",
    "a dict is changed while it is walked": """
def f():
    d = {"a": 1, "b": 2}
    for k, v in d.items():
        d[k] = v + 1
    for k in list(d):
        del d[k]
    d.update({"z": [0]})
    e = d["z"]
    d["z"] += [1]
    return d, e
""",
    "recursion": """
def g(n, acc):
    if not n:
        return acc
    acc.append(n)
    return g(n - 1, acc)


def f():
    acc = []
    r = g(2, acc)
    r.append(5)
    return acc
""",
    "long, cut and circular values": """
def f():
    s = "x" * 500
    t = s
    loop = [1]
    loop.append(loop)
    m = loop
    dots = "a...b"
    u = dots
    v = float("nan")
    w = v
    x = {3, 1}
    y = x
    y.add(2)
    return t, u, w
""",
}


def with_main(bodies: dict[str, str]) -> dict[str, str]:
    return {name: body.strip("\n") + "\n" + MAIN for name, body in bodies.items()}


TRICKY = with_main(_BODIES)
