"""More of them: what is entered, left and repeated in unusual ways."""

from __future__ import annotations

MORE = {
    "async": """
import asyncio

async def one_N(n):
    await asyncio.sleep(0)
    return n * B

async def many_N(limit):
    for i in range(limit):
        yield await one_N(i)

class Gate_N:
    async def __aenter__(self):
        return self
    async def __aexit__(self, *args):
        return False

async def all_N():
    found = []
    async with Gate_N():
        async for item in many_N(A % 3 + 1):
            found.append(item)
    return found + list(await asyncio.gather(one_N(1), one_N(2)))

def run_N():
    return asyncio.run(all_N())
""",
    "repeated": """
def run_N():
    x = A
    if x > 3:
        x += 1
        x += 1
        return x
    else:
        x += 1
        for _ in range(2):
            x += 1
        return x
""",
    "long": """
def run_N():
    text = "ab" * (60 * A)
    rows = [[i] * 12 for i in range(B * 4)]
    return len(text) + len(rows)
""",
    "decorator": """
import functools

def twice_N(function):
    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        first = function(*args, **kwargs)
        return first + function(*args, **kwargs)
    return wrapper

@twice_N
def grow_N(x, by=1):
    return x + by

@functools.lru_cache(maxsize=None)
def fib_N(n):
    return n if n < 2 else fib_N(n - 1) + fib_N(n - 2)

def run_N():
    return grow_N(A, by=B) + fib_N(B)
""",
    "context": """
import contextlib

class Quiet_N:
    def __enter__(self):
        return self
    def __exit__(self, kind, error, trace):
        return kind is KeyError

@contextlib.contextmanager
def tag_N(name):
    opened = [name]
    try:
        yield opened
    finally:
        opened.append("closed")

def run_N():
    with Quiet_N(), tag_N("t") as opened:
        {}["x"]
    with contextlib.suppress(ValueError):
        int("x")
    with (
        tag_N("a") as one,
        tag_N("b") as two,
    ):
        return opened + one + two + [A, B]
""",
    "loops": """
def run_N():
    found = 0
    while found < A: found += 1
    for i in range(B):
        if i == 2: continue
        for j in range(i):
            if j > 1:
                break
        else:
            found += 1
        while True:
            found += 1
            if found % 2 == 0 or i > 1:
                break
    else:
        found = -found
    return found if found else None
""",
    "match": """
def kind_N(value):
    match value:
        case 0 | 1:
            return "bit"
        case [x, *rest] if x:
            return f"list {x} {len(rest)}"
        case {"a": x}:
            return x
        case str():
            pass
        case _:
            return None
    return "text"

def run_N():
    return [kind_N(v) for v in (1, [A, B], [0], {"a": 2}, "s", 3.5)]
""",
    "expressions": """
def even_N(n):
    return n % 2 == 0

def run_N():
    data = sorted([A, B, 3], key=lambda n: -n)
    first, *rest = data
    a = b = first
    a, b = b, a
    text = f"{a:>4}|{b!r}" if even_N(a) and not even_N(
        b
    ) else (
        "odd"
    )
    if (n := len(rest)) > 1 and all(even_N(x) for x in rest):
        del rest[0]
    assert a == b, "same"
    print(text, end="") if False else None
    return max(map(even_N, data)), text, n, rest; unreachable = 1
""",
    "swallowed": """
class Odd_N:
    def __getattr__(self, name):
        if name == "known":
            return A
        raise AttributeError(name)

    def __getitem__(self, index):
        if index > B:
            raise IndexError
        return index

class Countdown_N:
    def __init__(self, n):
        self.n = n
    def __iter__(self):
        return self
    def __next__(self):
        if self.n == 0:
            raise StopIteration
        self.n -= 1
        return self.n

def run_N():
    odd = Odd_N()
    found = [hasattr(odd, "unknown"), odd.known, getattr(odd, "x", 0), list(odd)]
    for n in Countdown_N(2):
        found.append(n)
    return found, 1 in odd
""",
    "globals": """
STATE_N = [0]

def bump_N(by):
    global COUNT_N
    COUNT_N = by
    STATE_N[0] += by
    return None

def run_N():
    bump_N(A); bump_N(B)
    actions = {"bump": bump_N}
    actions["bump"](1)
    return STATE_N, COUNT_N
""",
    "raised again": """
def again_N(n):
    try:
        try:
            if n == 0:
                raise LookupError(n)
            return A // (n - 1)
        except ZeroDivisionError as error:
            raise KeyError("k") from error
        finally:
            n += 1
    except (LookupError, ValueError):
        try:
            raise
        except KeyError:
            return "key"
        except LookupError as error:
            return str(error)

def inner_N(n):
    try:
        while True:
            n += (yield n) or B
    except GeneratorExit:
        n = -1
        raise
    finally:
        n += 100

def outer_N(n):
    return (yield from inner_N(n))

def run_N():
    generator = outer_N(3)
    found = [again_N(0), again_N(1), again_N(3), next(generator), generator.send(5)]
    generator.close()
    try:
        raise ExceptionGroup("both", [ValueError(1), TypeError(2)])
    except* ValueError as group:
        found.append(len(group.exceptions))
    except* TypeError:
        found.append("t")
    return found
""",
}
