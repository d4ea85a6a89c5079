"""Whatever is certain is what really happens, whatever the program does behind its back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import pytest
from programs import SNIPPETS, alone, program
from tricky import TRICKY
from tricky_moves import MOVED

from cwm_agent.debug.certain.contents import Level
from cwm_agent.debug.certain.outlook import Content, outlook
from cwm_agent.debug.frames.state import Moment
from cwm_agent.debug.legal.program import Program
from cwm_agent.debug.record.here import record_here
from cwm_agent.debug.record.recording import request_of
from cwm_agent.nano.programs import record_program
from model.text.traces import Frame


def check(
    read: Program, frames: Sequence[Frame], counts: Counter[str], level: Level = "moves"
) -> list[str]:
    """What is certain and yet not so, along the true frames."""
    here, wrong = Moment.start(read), []
    for number, frame in enumerate(frames):
        found = outlook(here, level)
        text = frame.line.rstrip()
        fitting = [
            m for m in found if m.event == frame.event and read.text(m.line).rstrip() == text
        ]
        if not fitting:
            wrong.append(f"{number}: {frame} was ruled out")
        elif len(fitting) == 1:
            wrong += [f"{number}: {one}" for one in _wrong(found[fitting[0]], frame, counts)]
        here = here.after(frame)
    return wrong


def _wrong(content: Content, frame: Frame, counts: Counter[str]) -> list[str]:
    real, found = dict(frame.locals), []
    counts["values"] += len(real)
    counts["results"] += frame.event in ("return", "exception")
    if content.names is not None and content.names != tuple(real):
        found.append(f"names {content.names}, really {tuple(real)}")
    for name, value in content.values.items():
        counts["certain values"] += 1
        if real.get(name) != value:
            found.append(f"{name} = {value}, really {real.get(name)}")
    if content.value is not None:
        counts["certain results"] += 1
        if content.value != frame.value:
            found.append(f"{content.value}, really {frame.value}")
    return found


def check_source(
    source: str, counts: Counter[str], level: Level = "moves", *, comprehensions: bool
) -> list[str]:
    read = Program.read(source, comprehensions=comprehensions)
    return check(read, record_here(request_of(read, most=150)).frames, counts, level)


@pytest.mark.parametrize("comprehensions", [True, False])
@pytest.mark.parametrize("name", sorted(TRICKY | MOVED))
def test_nothing_is_certain_that_can_change_unseen(name: str, comprehensions: bool) -> None:
    source = (TRICKY | MOVED)[name]
    counts: Counter[str] = Counter()
    assert check_source(source, counts, comprehensions=comprehensions) == []
    assert counts["values"] > 1


def test_what_is_certain_is_true_in_some_constructs_and_programs() -> None:
    counts: Counter[str] = Counter()
    some = sorted(SNIPPETS)[::15]
    wrong = {name: check_source(alone(name), counts, comprehensions=True) for name in some}
    for seed in range(5):
        drawn = record_program(f"certain/{seed}", held_out=seed % 2 == 0)
        read = Program.read(drawn.source, comprehensions=False)
        wrong[str(seed)] = check(read, drawn.frames, counts)
    assert {name: found for name, found in wrong.items() if found} == {}


@pytest.mark.slow  # ten seconds each, on a machine that does nothing else
@pytest.mark.parametrize("level", ["moves", "branches"])
@pytest.mark.parametrize("block", range(10))
def test_what_is_certain_is_true_in_a_thousand_programs(block: int, level: Level) -> None:
    counts, mixed = Counter[str](), Counter[str]()
    wrong = {}
    for seed in range(50 * block, 50 * block + 50):
        drawn = record_program(f"certain/{seed}", held_out=seed % 2 == 0)
        read = Program.read(drawn.source, comprehensions=False)
        wrong[f"nano {seed}"] = check(read, drawn.frames, counts, level)
        source = program(seed)
        shown = seed % 2 == 0
        wrong[f"mixed {seed}"] = check_source(source, mixed, level, comprehensions=shown)
    assert {name: found for name, found in wrong.items() if found} == {}
    assert counts["certain values"] > 0.8 * counts["values"]
    assert counts["certain results"] > 0.5 * counts["results"]
    assert mixed["certain values"] > 0.15 * mixed["values"]


SMALL = """\
def f(items, limit):
    pair = (limit, 'x')
    a, b = pair
    total = other = 0
    for place, item in enumerate(items):
        total += item
    return total


def main():  # << START_OF_TRACE
    result = f([3, 8], 4)
    return result
"""


def along(source: str) -> list[tuple[str, dict[str, str], str | None]]:
    """Event, certain values and certain result at each real step."""
    read = Program.read(source)
    here, found = Moment.start(read), []
    for frame in record_here(request_of(read)).frames:
        ways = outlook(here)
        here = here.after(frame)
        content = next(c for m, c in ways.items() if (m.event, m.line) == (frame.event, here.line))
        found.append((f"{frame.event} {here.line}", dict(content.values), content.value))
    return found


def test_moved_values_are_certain_and_computed_ones_are_not() -> None:
    steps = along(SMALL)
    kept = {"items": "..", "limit": ".."}
    assert steps[2:8] == [
        ("call 1", {"items": "[3, 8]", "limit": "4"}, None),
        ("line 2", kept, None),
        ("line 3", {**kept, "pair": "(4, 'x')"}, None),
        ("line 4", {**kept, "pair": "..", "a": "4", "b": "'x'"}, None),
        ("line 5", {**kept, **dict.fromkeys(("pair", "a", "b"), ".."), "total": "0", "other": "0"},
         None),
        ("line 6", {**kept, **dict.fromkeys(("pair", "a", "b", "total", "other"), ".."),
                    "place": "0", "item": "3"}, None),
    ]  # fmt: skip
    assert "total" not in steps[8][1], "a sum is computed, and so not certain"
    assert steps[-3:] == [
        ("return 7", {}, "11"),
        ("line 12", {"result": "11"}, None),
        ("return 12", {}, "11"),
    ]


def test_a_loop_over_known_values_ends_when_they_do() -> None:
    read = Program.read(SMALL)
    here = Moment.start(read)
    ends = []
    for frame in record_here(request_of(read)).frames:
        here = here.after(frame)
        if frame.line == "    for place, item in enumerate(items):":
            ends.append([move.line for move in outlook(here)])
    assert ends == [[6], [6], [7]]


MOVES = [
    ("text = f'{name} has {n} of {xs}'", {"text": "'Bo has 2 of [1, 2]'"}),
    ("a, *b = xs", {"a": "1", "b": "[2]"}),
    ("both = {**table, 'q': xs[-1]}", {"both": "{'p': [3], 'q': 2}"}),
    ("both = (*xs, n)", {"both": "(1, 2, 2)"}),
    ("part = name[1:]", {"part": "'o'"}),
    ("part = table.get('z', n)", {"part": "2"}),
    ("xs.append(name)", {"xs": "[1, 2, 'Bo']"}),
    ("xs[0] = table", {"xs": "[{'p': [3]}, 2]"}),
    ("del xs[n]", None),
    ("last = xs.pop()", {"xs": "[1]", "last": "2"}),
    ("table['p'] = n", {"table": "{'p': 2}"}),
    ("xs.append(n + 1)", None),
    ("part = xs[n - 1]", None),
    ("text = f'{n:03}'", None),
    ("table.update(xs)", None),
    ("for k in range(len(xs), 9, n): pass", None),
]


@pytest.mark.parametrize(("line", "certain"), MOVES, ids=[line for line, _ in MOVES])
def test_a_line_that_only_moves_values_is_certain(
    line: str, certain: dict[str, str] | None
) -> None:
    source = (
        f"def f(name, n, xs, table):\n    {line}\n    return 0\n\n\n"
        "def main():  # << START_OF_TRACE\n    return f('Bo', 2, [1, 2], {'p': [3]})\n"
    )
    here = Moment.start(Program.read(source))
    for frame in record_here(request_of(here.program)).frames[:4]:
        here = here.after(frame)
    ways = outlook(here)
    (after,) = (content.values for move, content in ways.items() if move == ("line", 3))
    told = {name: text for name, text in after.items() if text != ".."}
    assert told == (certain or {})
    assert any(move.event == "exception" for move in ways) == (certain is None)


COUNTED = """\
def f(xs):
    for i in range(len(xs) - 1, -1, -1):
        y = i
    for i in range(1, len(xs)):
        y = i
    for i, x in enumerate(sorted(xs), 5):
        y = x
    return y


def main():  # << START_OF_TRACE
    return f([3, 1])
"""


def test_a_loop_counts_on_from_where_the_model_let_it_begin() -> None:
    here = Moment.start(Program.read(COUNTED))
    told = []
    for frame in record_here(request_of(here.program)).frames:
        if here.frame is not None and here.frame.line.startswith("    for"):
            ways = {m: c for m, c in outlook(here).items() if m.event == "line"}
            values = {move.line: content.values for move, content in ways.items()}
            told.append([(line, v.get("i"), v.get("x")) for line, v in sorted(values.items())])
        here = here.after(frame)
    assert told == [
        [(3, None, None), (4, None, None)],  # how it begins is computed
        [(3, "0", None)],
        [(4, "..", None)],
        [(5, "1", None), (6, "..", None)],  # how far it goes is computed
        [(5, "2", None), (6, "..", None)],
        [(7, "5", None), (8, "..", None)],
        [(7, "6", None)],
        [(8, "..", "..")],
    ]
