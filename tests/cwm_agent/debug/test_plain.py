"""Computing with plain values gives what Python gives, or nothing, and never takes long."""

from __future__ import annotations

import ast
import random
from typing import Any

import pytest

from cwm_agent.debug.plain.evaluate import Evaluator
from cwm_agent.debug.plain.limits import RaisedError, UnknownError, is_plain, is_steady

pytestmark = pytest.mark.filterwarnings("ignore::SyntaxWarning")  # odd expressions are the point

NAMES: dict[str, str] = {
    "xs": "[3, -1, 2, 2]",
    "s": "'Ab c,d'",
    "n": "7",
    "d": "{'a': 1, 'b': [2]}",
    "rows": "[[1, 2], [3]]",
    "t": "(1, 'x', None)",
    "empty": "[]",
    "f": "2.5",
}


def lookup(name: str) -> Any:
    return ast.literal_eval(NAMES[name])


def computed(expression: str) -> str:
    """The value's text, or the exception's; empty where nothing is said."""
    try:
        value = Evaluator(lookup).value(ast.parse(expression, mode="eval").body)
    except RaisedError as error:
        return error.text
    except UnknownError:
        return ""
    return repr(value) if is_plain(value) and is_steady(value) else ""


def real(expression: str) -> str:
    values: dict[str, Any] = {name: lookup(name) for name in NAMES}
    try:
        return repr(eval(expression, values))
    except Exception as error:  # noqa: BLE001 - any that Python has
        return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


COMPUTED = """\
n // 2 + -n % 3 - 2 ** 5
n / 2 < f <= 3 != n
s[1:] + 'z' * 3
xs[-1] if xs and not empty else None
[x * x for x in xs if x > 1]
{k: len(str(v)) for k, v in d.items()}
sum(x for row in rows for x in row)
sorted(xs, key=lambda x: (-x, x), reverse=True)
sorted(d, key=d.get) if n < 1 else sorted({'b', 'a'})
max(rows, key=len)
min((x for x in xs if x > 9), default=0)
list(enumerate(s.split(','), 1))
list(zip(xs, s))
''.join(reversed(s)).upper().strip('D')
f'{n:>4}|{f:.2f}|{s!r}|{xs}'
'%d-%s' % (n, s)
any(x == 2 for x in xs) and all(map(str, xs))
len(set(xs)) == len(xs)
set(xs) - {3} == {2, -1}
{**d, 'c': (*t, *xs)}
'a' in d and 2 not in d['b'] and t[2] is None
divmod(n, 2) + (abs(-n), round(f), ord('a'), chr(98), bin(n))
isinstance(n, (int, str)) and not isinstance(s, list)
int('12') + int(f) + float('1.5')
s.partition(' ')[2].count('c')
list(map(str.lower, s.split()))
[a for a, *_ in [(1, 2), (3,)]]
xs[9]
d['z']
n // 0
int('x')
s + n
xs < n
len(n)
min(empty)
s.append(1)
t[2].sort()
[a for a, b in rows]
empty.index(3)
''.join(xs)
n[0]
-s
xs['a']
sum([s])
""".splitlines()


@pytest.mark.parametrize("expression", COMPUTED)
def test_it_is_computed_as_python_does(expression: str) -> None:
    assert computed(expression) == real(expression)


REFUSED = """\
10 ** 10 ** 10
1 << 10 ** 9
'x' * 10 ** 9
xs * 10 ** 9
list(range(10 ** 9))
sum(range(10 ** 9))
any(x < 0 for x in range(10 ** 6))
[x for x in range(1001)]
[[y for y in range(900)] for x in range(900)]
f'{n:1000000000}'
'%1000000000d' % n
s.ljust(10 ** 9)
'x' in range(10 ** 9)
round(n, -10 ** 9)
pow(2, 10 ** 9)
(lambda g: g(g))(lambda g: g(g))
list({'a', 'b', 'c'})
str({'a', 'b', 'c'})
[x for x in {'a', 'b', 'c'}]
f ** 0.5
sum([0.1, 0.2])
xs is rows
open('/etc/passwd')
__import__('os')
().__class__.__bases__
s.format(n)
print(n)
(y := 3)
min
sorted()
list(xs, xs)
zip(1)
eval('1')
""".splitlines()


@pytest.mark.parametrize("expression", REFUSED)
def test_what_is_large_unsure_or_has_effects_is_not_computed(expression: str) -> None:
    assert computed(expression) == ""


BINARY = ["+", "-", "*", "//", "%", "&", "|", "<", "==", "!=", "in", "is", ">>"]
UNARY = ["len", "abs", "sum", "min", "max", "sorted", "str", "int", "list", "set", "bool", "tuple"]
TWO = ["enumerate", "zip", "range", "reversed", "dict", "isinstance", "round"]
METHODS = ["split", "upper", "index", "count", "get", "strip", "join", "items", "append"]


def drawn(rng: random.Random, depth: int) -> str:
    """An expression, seldom a sensible one."""
    if depth == 0 or rng.random() < 0.2:
        return rng.choice([*NAMES, "0", "1", "-2", "'b'", "True", "None", "[1, 2]", "'b,a'"])

    def one() -> str:
        return drawn(rng, depth - 1)

    shapes = [
        f"({one()} {rng.choice(BINARY)} {one()})",
        f"({one()} if {one()} else {one()})",
        f"({one()} {rng.choice(['and', 'or'])} {one()})",
        f"{one()}[{one()}]",
        f"{one()}[{one()}:]",
        f"[{one()}, {one()}]",
        f"[x for x in {one()} if {one()}]",
        f"{rng.choice(UNARY)}({one()})",
        f"{rng.choice(TWO)}({one()}, {one()})",
        f"{one()}.{rng.choice(METHODS)}({one()})",
        f"f'{{{one().replace(chr(39), chr(34))}}}'",
        f"sorted({one()}, key=lambda x: {one()})",
        f"(not {one()})",
    ]
    return rng.choice(shapes)


@pytest.mark.parametrize("count", [300, pytest.param(20_000, marks=pytest.mark.slow)])
def test_whatever_is_computed_is_what_python_says(count: int) -> None:
    rng, said = random.Random(5), 0
    for _ in range(count):
        expression = drawn(rng, 3)
        try:
            found = computed(expression)
        except SyntaxError:  # a quote within an f-string's quotes
            continue
        if found:
            said += 1
            assert found == real(expression), expression
    assert said > count / 2
