"""Functions, generators, exceptions, classes: `A` and `B` are numbers, `_N` makes names unique."""

from __future__ import annotations

PLAIN = {
    "recursion": """
def fact_N(n):
    if n <= 1:
        return 1
    return n * fact_N(n - 1)

def run_N():
    return fact_N(A) + fact_N(
        B
    )
""",
    "generator": """
def count_N(limit):
    for i in range(limit):
        got = yield i * B
        if got:
            return "stopped"
    yield "end"

def run_N():
    total = 0
    for value in count_N(A):
        if value == "end":
            break
        total += value
    gen = count_N(3)
    next(gen)
    try:
        gen.send(True)
    except StopIteration as error:
        total += len(error.value)
    return total
""",
    "delegate": """
def inner_N(items):
    for item in items:
        yield item
    return len(items)

def outer_N(items):
    size = yield from inner_N(items)
    yield -size

def run_N():
    return list(outer_N([A, B])) + [x for x in outer_N("ab")]
""",
    "throw": """
def guarded_N():
    while True:
        try:
            yield A
        except ValueError:
            yield -1
        finally:
            last = B

def run_N():
    gen = guarded_N()
    found = [next(gen), gen.throw(ValueError("x"))]
    gen.close()
    return found
""",
    "exceptions": """
def risky_N(key):
    table = {"a": A}
    try:
        return table[key] // (B - 2)
    except KeyError:
        return None
    except ZeroDivisionError as error:
        text = str(error)
        raise ValueError(text) from error
    finally:
        table.clear()

def run_N():
    found = []
    for key in ("a", "b"):
        try:
            found.append(risky_N(key))
        except ValueError:
            found.append("bad")
        else:
            found.append("fine")
    return found
""",
    "unhandled": """
def deep_N(level):
    if level == 0:
        raise RuntimeError("deep")
    with open("/dev/null") as file:
        deep_N(level - 1)
    return file

def run_N():
    try:
        deep_N(A % 3)
    except RuntimeError:
        pass
    try:
        return int("x" * B)
    finally:
        found = 1
""",
    "comprehension": """
def square_N(x):
    return x * x

def run_N():
    squares = [square_N(x) for x in range(A) if x % 2]
    table = {x: [y for y in range(x)] for x in squares}
    lazy = (square_N(x) for x in range(B))
    return sum(lazy), max(squares, default=0), {k for k in table}
""",
    "closure": """
def adder_N(step):
    total = 0
    def add(n):
        nonlocal total
        total += n * step
        return total
    return add

def run_N():
    add = adder_N(A)
    add(1)
    return [add(n) for n in range(B)][-1:]
""",
    "class": """
class Stack_N:
    size = 0

    def __init__(self, items=()):
        self.items = list(items)

    def push(self, item):
        self.items.append(item)
        return self

    @property
    def top(self):
        return self.items[-1]

    def __len__(self):
        return len(self.items)

    def __eq__(self, other):
        return self.items == other.items

    def __iter__(self):
        return iter(self.items)

    def __repr__(self):
        return f"Stack({self.items})"

class Loud_N(Stack_N):
    def push(self, item):
        return super().push(item + 1)

def run_N():
    stack = Loud_N([A]).push(B)
    if stack == Stack_N([A]):
        return 0
    return stack.top + len(stack) + sum(stack), repr(stack), bool(stack)
""",
    "local_class": """
def run_N():
    class Point:
        scale = A

        def __call__(self, x):
            return x * self.scale
    point = Point()
    return point(B)
""",
}
