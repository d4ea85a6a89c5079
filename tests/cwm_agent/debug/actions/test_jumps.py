"""Jumps land where stepping lands, and the grammar of actions reads back what it writes."""

from __future__ import annotations

import inspect
import random

import pytest
from jumping import TruePredictor, tokenizer, true_jumps
from programs import program as generated
from scripted import SOURCE, truthful

from cwm_agent.debug.actions.parse import StateParser
from cwm_agent.debug.actions.trajectory import follow, sample
from cwm_agent.debug.actions.tree import StateTree
from cwm_agent.debug.core.debugger import Debugger
from cwm_agent.debug.core.inverse import marked_call, result_goal
from cwm_agent.debug.core.verify import verify
from cwm_agent.debug.frames.state import Moment
from cwm_agent.debug.legal.program import Program
from cwm_agent.debug.record.here import record_here
from model.text.actions import Action, ActionFormat, Exit, State

GENERATOR = inspect.CO_GENERATOR | inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR
COUNT = """\
def count(s, t):
    n = 0
    for c in s:
        n += int(c == t)
    return n


def main():  # << START_OF_TRACE
    return count("berry", "r")
"""


def written(source: str, *verbs: str, last: int | None = None) -> list[str]:
    """The states that actions lead through, as the grammar writes them."""
    _, program, recording = true_jumps(source)
    tree = StateTree.of(recording.frames, "error" if recording.raised else "normal")
    tree = tree if last is None else tree.inverted(last)
    form = ActionFormat(tokenizer(), inverse=tree.inverse)
    actions = [Action(*verb.split(" ", 1)) for verb in verbs]  # type: ignore[arg-type]
    steps = follow(tree, 0, actions).steps
    return [tokenizer().decode(form.state(step), specials=True) for step in steps]


def test_states_are_written_as_in_the_published_forward_example() -> None:
    found = written(COUNT, *["step_into"] * 9)
    assert found[:7] == [
        "<|frame_sep|><|call_sep|><|src_sep|>def main():<|arg_sep|>{}",
        '<|frame_sep|><|line_sep|><|arg_sep|>{}<|src_sep|>    return count("berry", "r")',
        "<|frame_sep|><|call_sep|><|src_sep|>def count(s, t):"
        '<|arg_sep|>{"s": "\'berry\'", "t": "\'r\'"}',
        '<|frame_sep|><|line_sep|><|arg_sep|>{"..": ".."}<|src_sep|>    n = 0',
        '<|frame_sep|><|line_sep|><|arg_sep|>{"..": "..", "n": "0"}<|src_sep|>    for c in s:',
        '<|frame_sep|><|line_sep|><|arg_sep|>{"..": "..", "c": "\'b\'"}'
        "<|src_sep|>        n += int(c == t)",
        '<|frame_sep|><|line_sep|><|arg_sep|>{"..": ".."}<|src_sep|>    for c in s:',
    ]


def test_jumps_are_written_as_in_the_published_examples() -> None:
    into = ["step_into", "step_into"]
    assert written(COUNT, *into, "step_return", "step_into", "step_into")[3:] == [
        '<|frame_sep|><|return_sep|><|src_sep|>    return n<|arg_sep|>"2"',
        '<|frame_sep|><|return_sep|><|src_sep|>    return count("berry", "r")<|arg_sep|>"2"',
        "<|frame_sep|><|exit_normal|><|trace_end|><|end_of_text|>",
    ]
    landed = written(COUNT, *into, "breakpoint     return n")[3]
    assert landed == (
        '<|frame_sep|><|line_sep|><|arg_sep|>{"s": "\'berry\'", "t": "\'r\'", "n": "2", '
        '"c": "\'y\'"}<|src_sep|>    return n'
    )
    assert written(COUNT, "breakpoint nowhere")[1].startswith("<|frame_sep|><|exit_normal|>")


def test_a_variable_that_has_gone_is_no_longer_shown() -> None:
    source = """\
def main():  # << START_OF_TRACE
    try:
        [][1]
    except IndexError as error:
        said = str(error)
    return said
"""
    found = written(source, *["step_into"] * 6)
    assert '"error": "IndexError' in found[5]
    assert found[6] == (
        '<|frame_sep|><|line_sep|><|arg_sep|>{"said": "\'list index out of range\'"}'
        "<|src_sep|>    return said"
    )


def test_states_are_written_as_in_the_published_inverse_example() -> None:
    count_returns = len(true_jumps(COUNT)[2].frames) - 2
    found = written(COUNT, *["step_into"] * 15, last=count_returns)
    assert found[:7] == [
        '<|frame_sep|><|inv_return_sep|><|src_sep|>    return n<|arg_sep|>"2"',
        '<|frame_sep|><|inv_line_sep|><|src_sep|>    return n<|arg_sep|>{"..": ".."}',
        '<|frame_sep|><|inv_line_sep|><|src_sep|>    for c in s:<|arg_sep|>{"..": ".."}',
        '<|frame_sep|><|inv_line_sep|><|src_sep|>        n += int(c == t)<|arg_sep|>{"..": ".."}',
        "<|frame_sep|><|inv_line_sep|><|src_sep|>    for c in s:"
        '<|arg_sep|>{"..": "..", "c": "\'r\'"}',
        "<|frame_sep|><|inv_line_sep|><|src_sep|>        n += int(c == t)"
        '<|arg_sep|>{"..": "..", "n": "1"}',
        '<|frame_sep|><|inv_line_sep|><|src_sep|>    for c in s:<|arg_sep|>{"..": ".."}',
    ]
    assert found[-2:] == [
        "<|frame_sep|><|inv_call_sep|><|src_sep|>def count(s, t):"
        '<|arg_sep|>{"s": "\'berry\'", "t": "\'r\'"}',
        "<|frame_sep|><|inv_exit_entry|><|trace_end|><|end_of_text|>",
    ]
    assert written(COUNT, "step_call", last=count_returns)[1] == found[-2]


def test_a_line_that_calls_comes_twice_going_back() -> None:
    found = written(COUNT, "step_into", "step_over", "step_over", last=len_of(COUNT) - 1)
    assert "<|inv_line_call_sep|>" in found[1]
    assert "<|inv_line_sep|>" in found[2]
    assert "<|inv_call_sep|><|src_sep|>def main():" in found[3]
    inside = written(COUNT, "step_into", "step_into", last=len_of(COUNT) - 1)[2]
    assert inside.startswith('<|frame_sep|><|inv_return_sep|><|src_sep|>    return n<|arg_sep|>"2"')


def len_of(source: str) -> int:
    return len(true_jumps(source)[2].frames)


@pytest.mark.parametrize("inverse", [False, True])
def test_what_is_written_is_read_back(inverse: bool) -> None:
    """60 programs with generators, exceptions, closures and classes, random actions."""
    form = ActionFormat(tokenizer(), inverse=inverse)
    parser = StateParser(tokenizer(), form)
    for seed in range(60):
        source = generated(seed)
        _, program, recording = true_jumps(source)
        tree = StateTree.of(recording.frames, "error" if recording.raised else "normal")
        tree = tree.inverted() if inverse else tree
        way = sample(tree, program.lines, random.Random(seed))
        assert [parser.read(form.state(step)).step for step in way.steps] == list(way.steps)
        assert [parser.read_action(form.action(one)) for one in way.actions] == list(way.actions)


def shown(moment: Moment) -> tuple[object, ...]:
    scope = moment.scope
    frame = moment.frame
    if moment.ended or frame is None or scope is None:
        return ("the end",)
    values = dict(scope.locals) if frame.event in ("call", "line") else {}
    return (frame.event, moment.line, scope.function, moment.depth, frame.value, values)


def test_jumps_land_where_stepping_lands() -> None:
    """50 programs, the same random commands; lines, functions and whole locals are compared.

    Generators are stepped through: an action returns at a yield, pdb's command does not.
    """
    compared = 0
    for seed in range(50):
        jumping, program, _ = true_jumps(generated(seed))
        generators = {flow.code.co_name for flow in program.flows if flow.code.co_flags & GENERATOR}
        stepping, _, _ = truthful(program.source, "main")
        rng = random.Random(seed)
        with Debugger(jumping, program) as one, Debugger(stepping, program) as two:
            one.start(), two.start()
            while not one.here.ended:
                command = rng.choice(["step", "step", "next", "finish"])
                if two.here.scope is not None and two.here.scope.function in generators:
                    command = "step"
                getattr(one, command)(), getattr(two, command)()
                assert shown(one.here) == shown(two.here), (seed, command)
                compared += 1
    assert compared > 300


def test_a_breakpoint_is_one_prediction_and_back_returns() -> None:
    jumping, program, _ = true_jumps(SOURCE)
    with Debugger(jumping, program) as debugger:
        debugger.start()
        debugger.stops.add(5)
        stop = debugger.run()
        assert (stop.reason, stop.moment.line, stop.moment.index) == ("breakpoint", 5, 1)
        assert stop.moment.scope is not None
        assert stop.moment.scope.locals["item"] == "8"
        assert debugger.back().moment.index == 0
        debugger.stops.remove()
        assert debugger.run().said == "the program has ended"


def test_an_uncaught_exception_is_told_at_the_end() -> None:
    jumping, program, _ = true_jumps("def main():  # << START_OF_TRACE\n    return [][1]\n")
    with Debugger(jumping, program) as debugger:
        debugger.start()
        assert debugger.run().said == "the program ends by an exception"


def test_jumps_are_verified_against_where_they_really_lead() -> None:
    jumping, program, _ = true_jumps(SOURCE)
    with Debugger(jumping, program) as debugger:
        for command in (debugger.start, debugger.next, debugger.next, debugger.finish):
            command()
        told = verify(program, debugger.node.path(), record_here)
        assert str(told) == "true: all 4 predicted steps are as they really are"


RAISES = "def main():  # << START_OF_TRACE\n    return [][1]\n"
ENDLESS = "def main():  # << START_OF_TRACE\n    while True:\n        pass\n"


@pytest.mark.parametrize(
    ("source", "exit_", "told"),
    [
        (RAISES, "normal", "really the program ends by an exception"),
        (SOURCE, "error", "really the program has ended"),
        (ENDLESS, "normal", "really it still runs after"),
        (RAISES, "error", "true: all 2"),
        (ENDLESS, "never", "true: all 1"),  # the end cannot be known
    ],
    ids=["raises", "returns", "endless", "right", "unknown"],
)
def test_how_a_program_ends_is_verified(source: str, exit_: Exit, told: str) -> None:
    jumping, program, recording = true_jumps(source)
    lying = TruePredictor(StateTree.of(recording.frames, exit_))
    with Debugger(lying, program) as debugger:
        debugger.start()
        debugger.run()
        assert told in str(verify(program, debugger.node.path(), record_here))


def test_a_call_that_raises_gives_no_result() -> None:
    source = "def f(x):  # << START_OF_TRACE\n    return x + 1\n"
    program = Program.read(source)
    asked = [("'a'", "None"), ("1x 2", "3"), ("open('/no')", "3"), ("2", "3")]
    found = [
        marked_call(program, f"x={value}", result_goal(wanted), record_here, 0.0)
        for value, wanted in asked
    ]
    assert [one.true for one in found] == [False, False, False, True]
    assert found[0].why.startswith("it raises TypeError")
    assert found[1].why == "this is no Python"
    assert "before the function begins" in found[2].why


@pytest.mark.parametrize(
    ("ids", "problem"),
    [
        ([], "no state begins with ''"),
        (["<|line_sep|>"], "the line state has no source line"),
        (["<|line_sep|>", "<|arg_sep|>", "x", "<|src_sep|>", "y"], "the locals are no JSON: 'x'"),
        (["<|return_sep|>", "<|src_sep|>", "y"], "the value is no JSON: ''"),
        (["<|exit_normal|>"], "the end of the trace is not as it should be"),
    ],
    ids=["nothing", "no line", "no json", "no value", "cut end"],
)
def test_malformed_states_are_told(ids: list[str], problem: str) -> None:
    form = ActionFormat(tokenizer())
    names = tokenizer().specials
    tokens = [
        i for one in ids for i in ([names[one]] if one in names else tokenizer().encode_text(one))
    ]
    read = StateParser(tokenizer(), form).read(tokens)
    assert problem in read.problems
    assert isinstance(read.step, State | str | None)
