"""Which call gave a result: asked backwards, through the tokens of the grammar, and executed."""

from __future__ import annotations

import json
from dataclasses import dataclass

import pytest
from jumping import TruePredictor, tokenizer, true_jumps
from recited import Recited, voice

from cwm_agent.debug.actions.inverse import ResultAsker, return_lines, without_callers
from cwm_agent.debug.actions.trajectory import follow
from cwm_agent.debug.actions.tree import StateTree
from cwm_agent.debug.core.debugger import Debugger
from cwm_agent.debug.core.inverse import result_goal, which_call
from cwm_agent.debug.faces.line_mode import LineMode
from cwm_agent.debug.faces.notebook import NotebookDebugger
from cwm_agent.debug.legal.program import Program
from cwm_agent.debug.predict.predictor import PredictionRequest
from cwm_agent.debug.record.here import record_here
from model.text.actions import Action, ActionFormat

COUNT = """\
def count(s, t):
    n = 0
    for c in s:
        n += int(c == t)
    return n


def main():
    return count("berry", "r")
"""
SIGN = """\
import math


@staticmethod
def sign(x):
    if helper(x) > 0:
        return 1
    if x < 0:
        return -1
    return 0


def helper(x):
    return sign(x - 1) if x > 9 else x


def twice(y):
    return sign(2 * y)


if __name__ == "__main__":
    print(sign(4))
"""


@dataclass(frozen=True)
class Answering(TruePredictor):
    """Says the calls that it was given, each once, as JSON of their arguments."""

    answers: tuple[dict[str, str], ...] = ()

    def asker(self, program: Program, value: str) -> ResultAsker:
        texts = [tokenizer().encode_text(json.dumps(one)) for one in self.answers]
        session = Recited([token for text in texts for token in text])
        form = ActionFormat(tokenizer(), inverse=True)
        return ResultAsker(voice(), form, session.session, program, value)


def answering(source: str, entry: str, arguments: str, *answers: dict[str, str]) -> Answering:
    return Answering(true_jumps(source, entry, arguments)[0].tree, answers=answers)


def test_the_question_is_that_of_the_published_inverse_example() -> None:
    program = Program.read(COUNT, entry="count")
    frames = true_jumps(COUNT, "main")[2].frames
    tree = StateTree.of(frames, "normal").inverted(len(frames) - 2)
    form = ActionFormat(tokenizer(), inverse=True)
    ids, said = follow(tree, 0, [Action("step_call")]).ids(form)
    answer = ids[said.index(True) :]
    session = Recited(answer[answer.index(form.arg_sep_id) + 1 :])
    asker = ResultAsker(voice(), form, session.session, program, "2")
    frame = asker.ask(PredictionRequest("call"), 0).frame
    assert frame is not None
    assert frame.locals == (("s", "'berry'"), ("t", "'r'"))
    source = COUNT[: COUNT.index("\n\ndef main")]
    assert session.forks[0].ids == [*form.prompt(source), *ids]


def test_callers_of_the_entry_are_left_out_and_what_it_needs_is_kept() -> None:
    program = Program.read(SIGN, entry="sign")
    kept = without_callers(program)
    assert "helper" in kept
    assert "import math" in kept
    assert "@staticmethod\ndef sign" in kept
    assert "twice" not in kept
    assert "__main__" not in kept
    whole = Program.read(SIGN, entry="twice")
    assert without_callers(whole).rstrip() == SIGN.rstrip()


def test_every_return_line_is_asked_in_turn() -> None:
    source = SIGN.replace("@staticmethod\n", "")
    program = Program.read(source, entry="sign")
    assert [program.text(n).strip() for n in return_lines(program, "1")] == [
        "return 1",
        "return -1",
        "return 0",
    ]
    model = answering(source, "sign", "4", {"x": "5"}, {"x": "-5"}, {"x": "3"}, {"x": "5"})
    found = list(which_call(model, program, result_goal("1"), record_here, count=2))
    assert [(one.call, one.true) for one in found] == [
        ("sign(x=5)", True),
        ("sign(x=-5)", False),
        ("sign(x=3)", True),
    ]


@pytest.mark.parametrize(
    ("body", "value", "lines"),
    [
        ("def f(x): return x", "1", [1]),
        ("def f(x):\n    x += 1", "None", [2]),
        ("def f(x):\n    if x:\n        return 1", "1", [3]),
        ("def f(x):\n    if x:\n        return 1", "None", [2, 3]),
        ("def f(x):\n    raise ValueError", "1", []),
        ("def f(x):\n    yield x\n    return 3", "3", [3]),
    ],
    ids=["one line", "no return", "written", "none", "never", "generator"],
)
def test_return_lines(body: str, value: str, lines: list[int]) -> None:
    assert return_lines(Program.read(body, entry="f"), value) == lines


def test_a_function_that_never_returns_is_told() -> None:
    source = "def f(x):\n    raise ValueError\n"
    model, said = answering(source, "f", "1"), []
    program = Program.read(source, entry="f")
    with Debugger(model, program) as debugger:
        LineMode(debugger, record_here, said.append).do("which return 1")
    assert "there is none" in said[0]
    assert "proposes no call" in said[1]


def test_answers_without_an_end_are_passed_over() -> None:
    program = Program.read(COUNT, entry="count")
    model = answering(COUNT, "main", "", {"s": "'x'" * 200, "t": "1"})
    assert list(which_call(model, program, result_goal("2"), record_here, count=1)) == []


def test_line_mode_and_notebook_ask_the_same_way() -> None:
    program = Program.read(COUNT, entry="count")
    true, false = {"s": "'aa'", "t": "'a'"}, {"s": "''", "t": "'a'"}
    model = answering(COUNT, "count", "'berry', 'r'", true, false)
    said: list[str] = []
    with Debugger(model, program) as debugger:
        LineMode(debugger, record_here, said.append).do("which return 2")
    assert said[0] == "asked back from 2 at the return of line 5"
    assert [line.split()[0] for line in said[1:]] == ["true", "false"]
    with NotebookDebugger(model, program, record_here) as book:
        shown = repr(book.which_return(2)).split("\n")
    assert shown == said
