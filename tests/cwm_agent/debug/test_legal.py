"""The legal set contains the step that really comes next, and little else."""

from __future__ import annotations

import importlib
import inspect

import pytest
from programs import SNIPPETS, alone, program

from cwm_agent.debug.legal.legal import Legal
from cwm_agent.debug.legal.program import FILE, Program
from cwm_agent.debug.record.here import record_here
from cwm_agent.debug.record.recording import Recording, RecordRequest, request_of
from cwm_agent.debug.record.tracer import Tracer
from cwm_agent.errors import UsageError

STDLIB = [
    ("textwrap", "wrap", "'the quick brown fox jumps over', 10"),
    ("heapq", "nsmallest", "3, [5, 2, 8, 1, 9, 3], key=abs"),
    ("statistics", "stdev", "[1, 2, 4, 8]"),
    ("shlex", "split", "\"a 'b c' d\""),
    ("fnmatch", "translate", "'[a-c]*.p?'"),
    ("html", "unescape", "'&lt;b&gt; &#65;'"),
    ("urllib.parse", "urlparse", "'http://u:p@h:80/p;x?q=1#f'"),
    ("ast", "literal_eval", "\"{'a': [1, -2, (3,)]}\""),
    ("copy", "deepcopy", "{'a': [1, {2}], 'b': (4, [5])}"),
    ("difflib", "get_close_matches", "'appel', ['ape', 'apple', 'peach']"),
    ("colorsys", "rgb_to_hsv", "0.2, 0.4, 0.4"),
    ("calendar", "month", "2024, 2"),
    ("base64", "b32encode", "b'hello'"),
    ("fractions", "Fraction", "'3/7'"),
    ("string", "capwords", "'a bc d'"),
    ("inspect", "cleandoc", "'  a\\n    b'"),
    ("ipaddress", "ip_network", "'10.0.0.0/8'"),
    ("pprint", "pformat", "{'a': list(range(30)), 'b': ['x' * 30] * 4}"),
    ("getopt", "getopt", "['-a', 'x', '--long=3'], 'a:', ['long=']"),
    ("gettext", "c2py", "'n != 1'"),
    ("html.parser", "HTMLParser().feed", "'<a href=\"x\">t<!-- c --></a>'"),
    ("configparser", "ConfigParser().read_string", "'[a]\\nb=1\\nc=%(b)s\\n'"),
]


def missed(read: Program, recording: Recording) -> list[str]:
    """Real steps that the legal set lacks; it follows line numbers, not texts."""
    here, bound, scopes = Legal.start(read), frozenset[str](), list[frozenset[str]]()
    for number, (frame, line) in enumerate(zip(recording.frames, recording.lines, strict=True)):
        fitting = {m: after for m, after in here.moves(bound).items() if m == (frame.event, line)}
        if not fitting:
            return [f"step {number}: {frame.event} {line} {frame.line}"]
        here = next(iter(fitting.values()))
        names = frozenset(name for name, _ in frame.locals)
        if frame.event == "call":
            scopes.append(names)
        elif frame.event == "line":
            scopes[-1] = names
        elif frame.event == "return":
            scopes.pop()
        bound = scopes[-1] if scopes and frame.event != "exception" else frozenset()
    return [] if recording.cut or here.may_end else ["the end"]


@pytest.mark.parametrize("comprehensions", [True, False])
@pytest.mark.parametrize("name", sorted(SNIPPETS))
def test_every_real_step_of_a_construct_is_legal(name: str, comprehensions: bool) -> None:
    read = Program.read(alone(name), comprehensions=comprehensions)
    recording = record_here(request_of(read))
    assert len(recording.frames) > 5
    assert missed(read, recording) == []


def test_every_real_step_of_some_programs_is_legal() -> None:
    found = {}
    for seed in range(12):
        read = Program.read(program(seed))
        found[seed] = missed(read, record_here(request_of(read)))
    assert {seed: wrong for seed, wrong in found.items() if wrong} == {}


@pytest.mark.slow  # a minute: 500 programs of several hundred steps each
def test_every_real_step_of_five_hundred_programs_is_legal() -> None:
    steps, wrong = 0, {}
    for seed in range(500):
        read = Program.read(program(seed), comprehensions=seed % 2 == 0)
        recording = record_here(request_of(read))
        steps += len(recording.frames)
        if lacking := missed(read, recording):
            wrong[seed] = lacking
    assert wrong == {}
    assert steps > 40_000


@pytest.mark.parametrize(("module", "function", "arguments"), STDLIB)
def test_every_real_step_of_the_standard_library_is_legal(
    module: str, function: str, arguments: str
) -> None:
    found = importlib.import_module(module)
    assert found.__file__
    source = inspect.getsource(found)
    tracer = Tracer(source, found.__file__, most=3000)
    tracer.run(eval(f"lambda: {function}({arguments})", dict(vars(found))))
    depth, frames = 0, []
    for frame in tracer.frames:  # those of the first call from outside
        frames.append(frame)
        depth += (frame[0] == "call") - (frame[0] == "return")
        if depth == 0:
            break
    recording = Recording.from_json({"frames": frames, "cut": depth != 0, "raised": False})
    read = Program.read(source, entry=_name_at(source, recording.lines[0]))
    assert len(recording.frames) >= 3
    assert missed(read, recording) == []


def _name_at(source: str, line: int) -> str:
    code = compile(source, FILE, "exec")
    waiting = [code]
    while waiting:
        one = waiting.pop()
        if one.co_firstlineno == line and one.co_name[0] != "<" and one is not code:
            return one.co_qualname
        waiting += [constant for constant in one.co_consts if hasattr(constant, "co_qualname")]
    raise AssertionError(f"no function begins at line {line}")


SMALL = """\
def f(x):
    if x > 3:
        y = 1
        return y
    y = x
    while y:
        y -= 1
    return g(y)


def g(y):
    return y


def unused(y):
    return y
"""


def moves_after(source: str, entry: str, steps: list[tuple[str, str]]) -> set[tuple[str, int]]:
    here = Legal.start(Program.read(source, entry=entry))
    bound = frozenset({"x", "y"})
    for event, text in steps:
        step = here.after(event, text, bound)  # type: ignore[arg-type]
        assert step is not None, (event, text)
        here = step.legal
    return {tuple(move) for move in here.moves(bound)}  # type: ignore[misc]


def test_only_what_the_program_allows_is_legal() -> None:
    call, line = ("call", "def f(x):"), "line"
    assert moves_after(SMALL, "f", []) == {("call", 1)}
    assert moves_after(SMALL, "f", [call]) == {("line", 2)}
    branch = [call, (line, "    if x > 3:")]
    assert moves_after(SMALL, "f", branch) == {("line", 3), ("line", 5), ("exception", 2)}
    taken = [*branch, (line, "        y = 1")]
    assert moves_after(SMALL, "f", taken) == {("line", 4)}
    assert moves_after(SMALL, "f", [*taken, (line, "        return y")]) == {("return", 4)}
    other = [*branch, (line, "    y = x"), (line, "    while y:"), (line, "    return g(y)")]
    assert moves_after(SMALL, "f", other) == {("call", 11), ("return", 8), ("exception", 8)}


def test_lines_with_the_same_text_are_told_apart_by_what_follows() -> None:
    source = "def f(x):\n    if x:\n        x += 1\n        return x\n"
    source += "    x += 1\n    x += 2\n    return x\n"
    here = Legal.start(Program.read(source, entry="f"))
    step = here.after("call", "def f(x):")
    assert step is not None
    for text in ("    if x:", "    x += 1", "    x += 2"):
        step = step.legal.after("line", text, frozenset({"x"}))
        assert step is not None
    assert step.move.line == 6


@pytest.mark.parametrize(
    ("source", "entry", "said"),
    [
        ("def f(:\n", "f", "not valid Python"),
        ("x = 1\n", None, "no function is marked"),
        ("def f(): pass\n", "g", "defines no 'g'"),
        ("x = 1  # << START_OF_TRACE\n", None, "defines no function"),
    ],
)
def test_a_source_without_an_entry_is_refused(source: str, entry: str | None, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        Program.read(source, entry=entry).entry  # noqa: B018


def test_a_long_program_is_cut() -> None:
    source = "def f():\n    while True:\n        pass\n"
    recording = record_here(RecordRequest(source, "f", most=30))
    assert recording.cut
    assert len(recording.frames) == 30
