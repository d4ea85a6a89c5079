"""Pairs of functions: what they return, how they are found, how they end."""

from __future__ import annotations

import json
from collections.abc import Iterator

from cwm_agent.bench.graders.pairs import CodePair

RETURNED: tuple[tuple[str, object], ...] = (
    ("7", 7), ("7.0", 7), ("7", 7.0), ("True", 1), ("1", True), ("'7'", 7), ("7", "7"), ("None",
    None),
    ("None", []), ("[]", []), ("()", []), ("(1, 2)", [1, 2]), ("[1, 2]", [1, 2]), ("[2, 1]", [1,
    2]),
    ("[(1, 2)]", [[1, 2]]), ("([1, 2],)", [[1, 2]]), ("{1, 2}", [1, 2]), ("range(2)", [0, 1]),
    ("iter([1])", [1]), ("[1, 2.0]", [1, 2]), ("[True, False]", [1, 0]), ("{'a': 1}", {"a": 1}),
    ("{'b': 2, 'a': 1}", {"a": 1, "b": 2}), ("{1: 2}", {"1": 2}), ("defaultdict(int, a=1)",
    {"a": 1}),
    ("Counter('aab')", {"a": 2, "b": 1}), ("OrderedDict(a=1)", {"a": 1}), ("deque([1])", [1]),
    ("'abc'", "abc"), ("'abc '", "abc"), ("'é'", "é"), ("b'abc'", "abc"), ("0.1 + 0.2", 0.3),
    ("0.30000000000000004", 0.1 + 0.2), ("float('nan')", None), ("float('inf')", 10**400),
    ("10**18 + 1", 10**18 + 1), ("float(10**18 + 1)", 10**18 + 1), ("10**3000", 10**3000),
    ("complex(7)", 7), ("Decimal(7)", 7), ("-0.0", 0), ("[[]]", [[]]), ("[[], [[]]]", [[], [[]]]),
    ("[None, 1]", [None, 1]), ("[0] * 50_000", [0] * 50_000), ("[0] * 49_999", [0] * 50_000),
    ("[[1, 2], [3]]", [[1, 2], [3]]), ("type('I', (int,), {})(7)", 7),
    ("type('L', (list,), {})([1])", [1]), ("namedtuple('P', 'x y')(1, 2)", [1, 2]),
    ("[namedtuple('P', 'x y')(1, 2)]", [[1, 2]]), ("chr(55296)", "\ud800"), ("'a\\x00b'", "a\x00b"),
    ("[float('nan')]", [float("nan")]),
    ("print", 7), ("lambda: 7", 7), ("float('nan')", float("nan")), ("{(1, 2): 3}", {"1": 3}),
    ("frozenset()", []), ("memoryview(b'a')", "a"), ("datetime.now()", 1), ("...", None),
)  # fmt: skip
"""An expression that is returned, and the value that is wanted."""

BODIES = (
    "class Solution:\n    def add(self, a, b):\n        return a + b",
    "class Solution:\n    def add(self, a: int, b: List[int]) -> int:\n        return a + b",
    "def add(a, b):\n    return a + b",
    "class Solution(object):\n    def add(self, a, b):\n        return a - b",
    "class Solution:\n    def other(self, a, b):\n        return a + b",
    "class Solution:\n    @staticmethod\n    def add(a, b):\n        return a + b",
    "class Solution:\n    def __init__(self):\n        self.n = 0\n"
    "    def add(self, a, b):\n        self.n += 1\n        return a + b if self.n == 1 else 0",
    "class Solution:\n    def __init__(self, x):\n        pass\n    def add(self, a, "
    "b):\n        return a + b",
    "class Solution:\n    def add(self, a):\n        return a",
    "class Solution:\n    def add(self, a, b, c=0):\n        return a + b + c",
    "class Solution:\n    def add(self, *all):\n        return sum(all)",
    "class Solution:\n    def add(self, a, b):\n        raise ValueError",
    "class Solution:\n    def add(self, a, b):\n        exit()",
    "class Solution:\n    def add(self, a, b):\n        print(a + b)",
    "class Solution:\n    def add(self, a, b):\n        print('noise')\n        return a + b",
    "class Solution:\n    def add(self, a, b):\n        return self.add(a, b)",
    "class Solution:\n    def add(self, a, b):\n        input()\n        return a + b",
    "class Solution:\n    def add(self, a, b):\n        yield a + b",
    "class Solution:\n    async def add(self, a, b):\n        return a + b",
    "class Solution:\n    add = lambda self, a, b: a + b",
    "class Solution:\n    @cache\n    def add(self, a, b):\n        return a + b",
    "class Solution:\n    def add(self, a, b):\n        return np.add(a, b)",
    "# class Solution\ndef add(a, b):\n    return a + b",
    "class Solution:\n    def add(self, a, b):\n        return a + b\nprint(Solution().add(1, 2))",
    "class Solution:\n    def add(self, a, b):\n        return a + b\nraise ValueError",
    "from typing import List\nimport heapq\nclass Solution:\n    def add(self, a, b):\n"
    "        h = [a, b]\n        heapq.heapify(h)\n        return sum(h)",
    "class Solution:\n    def add(self, a, b)\n        return a + b",
    "if __name__ == '__main__':\n    class Solution:\n        def add(self, a, "
    "b):\n            return a + b",
    "class Equal:\n    def __init__(self, v):\n        self.v = v\n    def __eq__(self, o):\n"
    "        return self.v == o\nclass Solution:\n    def add(self, a, "
    "b):\n        return [a + b][0]",
)


def function_pairs() -> Iterator[CodePair]:
    """Values, ways to define a function, arguments."""
    prelude = "from decimal import Decimal\n"
    for text, wanted in RETURNED:
        code = f"{prelude}class Solution:\n    def f(self, x):\n        return {text}"
        yield CodePair(text[:30], code, ("1",), (json.dumps(wanted),), "f")
    for code in BODIES:
        yield CodePair("", code, ("1\n2", "3\n4"), ("3", "7"), "add")
    change = "class Solution:\n    def f(self, xs):\n        xs.sort()\n        return xs"
    yield CodePair("in place", change, ("[3, 1, 2]", "[]"), ("[1, 2, 3]", "[]"), "f")
    yield CodePair("bad input", change, ("[3, 1", "[]"), ("[1, 3]", "[]"), "f")
    yield CodePair("blank input", change, ("",), ("[]",), "f")
    big = json.dumps(list(range(20_000, 0, -1)))
    yield CodePair("large", change, (big,), (json.dumps(list(range(1, 20_001))),), "f")
