"""Pairs of programs: what they print, how they read, how they end."""

from __future__ import annotations

from collections.abc import Iterator

from cwm_agent.bench.graders.function_pairs import function_pairs
from cwm_agent.bench.graders.pairs import CodePair, numbered
from cwm_agent.bench.graders.stream_pairs import stream_pairs

PRINTED = (
    ("5", "5"), ("5\n", "5"), ("5 ", "5"), (" 5", "5"), ("\n\n5\n\n", "5"), ("5", "5\n\n"),
    ("5\t", "5"), ("5\r\n", "5"), ("a\r\nb", "a\nb"), ("a b", "a  b"), ("a  b", "a b"),
    ("1 2", "1  2"), ("1\t2", "1 2"), ("1  2  3", "1 2 3"), ("1 2\n3", "1 2\n3\n"),
    ("1 2 \n3 ", "1 2\n3"), ("1\n\n2", "1\n2"), ("1\n2", "1\n\n2"), ("1\n \n2", "1\n\n2"),
    ("1\n2", "1 2"), ("1 2", "1\n2"), ("", ""), (" \n", ""), ("", "0"), ("0", ""),
    ("5.0", "5"), ("5", "5.000"), ("5.", "5"), (".5", "0.5"), ("0.50", "0.5"), ("-0", "0"),
    ("0", "-0.0"), ("+5", "5"), ("05", "5"), ("5e0", "5"), ("1e3", "1000"), ("1E3", "1000"),
    ("1_000", "1000"), ("1,000", "1000"), ("0x10", "16"), ("5.0000000001", "5"),
    ("4.9999999999999999", "5"), ("0.1", "0.10000000000000001"), ("1/2", "0.5"),
    ("50000000000000001", "50000000000000000"), ("50000000000000001.0", "50000000000000001"),
    ("1" * 60, "1" * 60 + ".0"), ("1" * 60, "1" * 59 + "2"), ("nan", "nan"), ("nan", "NaN"),
    ("NaN 1", "NaN 1.0"), ("inf", "inf"), ("inf", "Infinity"), ("-inf", "-Infinity"),
    ("inf 1", "Infinity 1.0"), ("YES", "YES"), ("Yes", "YES"), ("yes", "YES"), ("YES.", "YES"),
    ("YES 5", "YES 5.0"), ("YES\n5", "YES\n5.0"), ("1 YES", "1.0 YES"), ("1 2 3", "1.0 2.0 3.0"),
    ("1 2", "1 2 3"), ("1 2 3", "1 2"), ("3 2 1", "1 2 3"), ("[1, 2]", "[1,2]"),
    ("(1, 2)", "(1, 2)"), ("True", "true"), ("True", "1"), ("None", ""), ("'a'", "a"),
    ("é", "é"), ("e\u0301", "é"), ("\u0663", "3"), ("\uff15", "5"), ("5\u00a0", "5"),
    ("5\u2003", "5"), ("5\x0b", "5"), ("5\x0c6", "5 6"), ("a\u2028b", "a\u2028b"),
    ("5\x00", "5"), ("5\x1c", "5"), ("1\x1c2", "1 2"), ("- 5", "-5"), ("--5", "-5"),
    ("1.2.3", "1.2.3"), ("1.2.3 4", "1.2.3 4.0"), ("1e400", "1e400"), ("1e400", "10e399"),
    ("1e-400", "0"), ("sNaN", "sNaN"), ("sNaN 1", "sNaN 1.0"), ("1 2 ", "1.0 2"), ("a\n\n", "a"),
    ("Case #1: 5", "Case #1: 5"), ("Case #1: 5", "Case #1: 5.0"), ("0 0", "0  0.0"),
    ("1" + " 1" * 500, "1" + "  1.0" * 500), ("x\n" * 300, "x\n" * 300), ("x\n" * 300, "x\n" * 299),
)  # fmt: skip
"""What is printed, and what is wanted."""

READERS = (
    "n = int(input())\nprint(sum(map(int, input().split())))",
    "input()\nprint(sum(map(int, input().split())))",
    "import sys\ndata = sys.stdin.read().split()\nprint(sum(map(int, data[1:])))",
    "import sys\nlines = sys.stdin.readlines()\nprint(sum(map(int, lines[1].split())))",
    "import sys\nsys.stdin.readline()\nprint(sum(map(int, sys.stdin.readline().split())))",
    "import sys\ninput = sys.stdin.readline\ninput()\nprint(sum(map(int, input().split())))",
    "import sys\ndata = sys.stdin.buffer.read().split()\nprint(sum(map(int, data[1:])))",
    "import sys\nr = sys.stdin.buffer.readline\nr()\nprint(sum(map(int, r().split())))",
    "from sys import stdin\nstdin.readline()\nprint(sum(map(int, stdin.readline().split())))",
    "import sys\nrows = list(sys.stdin)\nprint(sum(map(int, rows[1].split())))",
    "import sys\nfor row in sys.stdin:\n    last = row\nprint(sum(map(int, last.split())))",
    "rows = open(0).read().split()\nprint(sum(map(int, rows[1:])))",
    "stdin.readline()\nprint(sum(map(int, stdin.readline().split())))",
    "import fileinput\nrows = list(fileinput.input())\nprint(sum(map(int, rows[1].split())))",
    "def main():\n    input()\n    print(sum(map(int, input().split())))\n"
    "if __name__ == '__main__':\n    main()",
    "def main():\n    input()\n    print(sum(map(int, input().split())))\n"
    "if __name__ == '__main__':\n    main()\nprint()",
    "def main():\n    input()\n    print(sum(map(int, input().split())))\n"
    'if "__main__" == __name__:\n    main()',
    "import threading\ndef main():\n    input()\n    print(sum(map(int, input().split())))\n"
    "t = threading.Thread(target=main)\nt.start()\nt.join()",
    "import sys\nsys.stdin.readline()\nsys.stdout.write(str(sum(map(int, input().split()))))",
    "import sys\ninput()\nsys.stdout.buffer.write(str(sum(map(int, input().split()))).encode())",
    "total = 0\ndef add(x):\n    global total\n    total += x\n"
    "input()\nfor x in map(int, input().split()):\n    add(x)\nprint(total)",
    "total = 0\ndef add(x):\n    nonlocal total\n    total += x\n"
    "input()\nfor x in map(int, input().split()):\n    add(x)\nprint(total)",
    "import sys\nwhile True:\n    row = sys.stdin.readline()\n    if not row:\n        break\n"
    "    last = row\nprint(sum(map(int, last.split())))",
    "rows = []\ntry:\n    while True:\n        rows.append(input())\nexcept EOFError:\n    pass\n"
    "print(sum(map(int, rows[1].split())))",
    "rows = []\ntry:\n    while True:\n        rows.append(input())\nexcept:\n    pass\n"
    "print(sum(map(int, rows[1].split())))",
    "n = int(input())\na = input()\nb = input()\nprint(sum(map(int, a.split())))",
    "n = int(input('how many? '))\nprint(sum(map(int, input().split())))",
    "n, *xs = map(int, sys.stdin.read().split())\nprint(reduce(operator.add, xs))",
    "from __future__ import annotations\ninput()\nprint(sum(map(int, input().split())))",
    "import math, collections\ninput()\nprint(math.floor(sum(map(float, input().split()))))",
)
"""Ways to read a number and a line of numbers, and print their sum."""
READ = (("3\n1 2 3", "6"), ("3\n1 2 3\n", "6"), ("3\n1 2 3\n\n", "6\n"))

ENDINGS = (
    "print(7)", "print(7)\nexit()", "print(7)\nexit(3)", "print(7)\nraise SystemExit('x')",
    "print(7)\nimport sys\nsys.exit(1)", "print(7)\nquit()", "print(7)\nimport os\nos._exit(0)",
    "print(7)\nraise ValueError", "print(7)\n1 / 0", "print(7)\nassert False",
    "print(7)\n[][0]", "print(7)\nundefined", "print(7", "print 7", "  print(7)", "",
    "# nothing", "def f():\n    print(7)", "import os\nos.system('echo 7')",
    "import subprocess\nprint(subprocess.check_output(['echo', '7']).decode())",
    "import nothing_of_this_name\nprint(7)", "try:\n    1 / 0\nfinally:\n    print(7)",
    "raise KeyboardInterrupt", "import sys\nprint(7, file=sys.stderr)",
    "import sys\nsys.stdout.write('7')\nsys.stdout.flush()",
    "import sys\nsys.stdout.close()\nprint(7)",
    "print(7, flush=True)", "print(7, end='')", "import os\nos.write(1, b'7')",
    "def f(n):\n    return f(n + 1)\nf(0)",
    "def f(n):\n    return 0 if n == 0 else 1 + f(n - 1)\nprint(f(20000) - 19993)",
    "import sys\nsys.setrecursionlimit(99)\ndef f(n):\n    return n and f(n - 1)\nprint(f(999))",
    "import ctypes\nctypes.string_at(0)", "import signal\nsignal.alarm(0)\nprint(7)",
    "import resource\nprint(7)", "import threading\nthreading.stack_size(2**26)\nprint(7)",
    "x = 7\ndef g():\n    return x\nprint(g())", "class A:\n    x = 7\nprint(A().x)",
    "print(*map(lambda v: v + 2, [5]))", "print((lambda: 7)())",
    "from math import *\nprint(floor(7.5))",
    "if True:\n    from math import *\nprint(floor(7.5))", "import numpy_of_another_name as n",
    "print(Counter('a' * 7)['a'])", "print(bisect_left([1] * 7, 2))", "print(gcd(7, 14))",
    "print(eval('3 + 4'))", "exec('print(7)')", "print(7) if __name__ == '__main__' else print(8)",
    "print(__name__ == '__main__')", "print(int('7' * 1) )", "print(f'{7}')", "print(str(7)[::-1])",
    "match 7:\n    case 7:\n        print(7)", "print(next(iter([7])))",
    "async def f():\n    return 7\n"
    "import asyncio\nprint(asyncio.run(f()))", "return 7", "yield 7", "print(7)\nreturn",
    "print(len(str(10**60000)) - 59994)", "print(len(str(2**100000)))", "print(0.1 + 0.2 + 6.7)",
)  # fmt: skip
"""Programs that should print 7, or not quite."""

SLOW = (
    "while True: pass",
    "import time\ntime.sleep(60)",
    "print(7)\nwhile True: pass",
    "try:\n    while True: pass\nexcept ValueError:\n    print(7)",
    "print(sum(i * i for i in range(10**10)))",
)
HUGE = (
    ("print('x' * 3_000_000)", "x" * 3_000_000),
    ("print('x' * 3_000_000)", "x" * 2_999_999),
    ("for i in range(100_000): print(i)", "".join(f"{i}\n" for i in range(100_000))),
    ("print('5 ' * 200_000)", "5.0 " * 200_000),
)


def code_pairs() -> list[CodePair]:
    """All pairs, those that take their time the last."""
    return [
        *numbered("printed", _printed()),
        *numbered("read", _read()),
        *numbered("ending", _endings()),
        *numbered("state", _state()),
        *numbered("stream", stream_pairs()),
        *numbered("function", function_pairs()),
        *numbered("huge", (CodePair("", code, ("",), (wanted,)) for code, wanted in HUGE)),
        *numbered("slow", (CodePair("", code, ("1",), ("7",)) for code in SLOW)),
    ]


def _printed() -> Iterator[CodePair]:
    for text, wanted in PRINTED:
        yield CodePair(f"{text[:20]!r} for {wanted[:20]!r}", f"print({text!r})", ("",), (wanted,))


def _read() -> Iterator[CodePair]:
    for code in READERS:
        for text, wanted in READ:
            yield CodePair(repr(text), code, (text,), (wanted,))


def _endings() -> Iterator[CodePair]:
    for code in ENDINGS:
        yield CodePair("", code, ("1",), ("7",))


def _state() -> Iterator[CodePair]:
    """Several tests in one process: what the first leaves, and which one fails."""
    inputs, outputs = ("1", "2", "3"), ("2", "4", "6")
    for code in (
        "print(int(input()) * 2)",
        "x = int(input())\nprint(x * 2 if x < 3 else 7)",
        "x = int(input())\nprint(x * 2 if x != 2 else 1 / 0)",
        "import builtins\nbuiltins.seen = getattr(builtins, 'seen', "
        "0) + 1\nprint(builtins.seen * 2)",
        "import sys\nif int(input()) == 2: sys.exit()\nprint(2)",
        "import sys\nx = int(input())\nif x == 2: sys.stdout = None\nprint(x * 2)",
        "import random\nrandom.seed(1)\nprint(int(input()) * 2)",
    ):
        yield CodePair("", code, inputs, outputs)
