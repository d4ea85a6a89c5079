"""Line mode with jumps, over a model that knows the truth: what is done is said."""

from __future__ import annotations

import pytest
from jumping import true_jumps
from scripted import SOURCE

from cwm_agent.debug.core.debugger import Debugger
from cwm_agent.debug.faces.line_mode import LineMode
from cwm_agent.debug.record.here import record_here
from cwm_agent.errors import UsageError

TWO = """\
def double(x):
    return 2 * x


def half(x):
    return x // 2


def main():  # << START_OF_TRACE
    a = double(2) + half(6)
    b = a
    return b
"""


def said_by(source: str, *commands: str) -> list[list[str]]:
    """What each command says; the first are those of the beginning."""
    model, program, _ = true_jumps(source)
    said: list[str] = []
    parts: list[list[str]] = []
    with Debugger(model, program) as debugger:
        mode = LineMode(debugger, record_here, said.append)
        mode.run([])
        for command in commands:
            parts.append(list(said))
            said.clear()
            mode.do(command)
    return [*parts, said]


def test_a_session_begins_with_what_jumps_and_a_jump_says_over_what() -> None:
    begun, step, assigned, over, back, into, out = said_by(SOURCE, "s", "n", "n", "u", "s", "r")
    assert begun[0].startswith("[jumps are on: next, return, out, until LINE and continue")
    assert step[-1] == "-> values = [3, 8, 5]"
    assert assigned == ["[step over: one step]", "> (11)main()", "-> result = total(values, 4)"]
    assert over[0] == "[step over: perhaps over the call of total()]"
    assert over[-1] == "-> other = total([1], 0)"
    assert back == assigned[1:]
    assert into[0] == "--Call--"
    assert out[:2] == ["[step return: over steps that were not predicted]", "--Return-- 13"]


def test_of_several_calls_none_is_named() -> None:
    assert said_by(TWO, "s", "n")[2][0] == "[step over: perhaps over calls]"


def test_continue_until_and_skip() -> None:
    told = said_by(SOURCE, "s", "break 6", "c", "c", "rc", "unt 12", "skip", "restart", "c")
    hit, on, back, until, skip, _, end = told[3:]
    assert hit[:2] == [
        "[breakpoint 1]",
        "[breakpoint 'return result': over steps that were not predicted]",
    ]
    assert hit[2] == "> (6)total()"
    assert on[2] == "> (6)total()", "the return of that line is no breakpoint"
    assert back[-1] == "-> return result"
    assert until[-1] == "-> other = total([1], 0)"
    assert skip[0] == "[step over: perhaps over the call of total()]"
    assert end[0] == "[breakpoint 1]"


def test_what_an_action_cannot_look_at_is_predicted_step_by_step() -> None:
    commands = ["s", "b 5", "b 6, result == 13", "c", "cl", "watch result", "c", "rc", "rc"]
    told = said_by(SOURCE, *commands)
    assert told[4][0] == "[step by step: the condition of a breakpoint is looked at on the way]"
    assert told[4][1] == "[breakpoint 1]"
    assert told[7][:2] == [
        "[step by step: a watched expression is looked at after each step]",
        "[watch: result: 0 -> 8]",
    ]


def test_what_if_commands_work_after_a_jump() -> None:
    commands = ["s", "n", "n", "set result = 20", "tree", "go 1", "resample", "alt 2", "take 1"]
    told = said_by(SOURCE, *commands, "verify", "why", "free", "n", "legal", "n")
    assert told[4][-1] == "-> other = total([1], 0)"
    assert told[5] == [
        "  1: -> other = total([1], 0)  (predicted, step over)",
        "> 2: -> other = total([1], 0)  (result = 20, step over)",
    ]
    assert told[8][0].endswith("{'values': '..', 'result': '13'}")
    assert told[9][-1] == "-> other = total([1], 0)"
    assert told[10] == ["true: all 4 predicted steps are as they really are"]
    assert told[11][0].startswith("event p=")
    assert told[13][-1] == "-> return result + other"
    assert told[15][:2] == ["[step over: one step]", "--Return-- 14"]


def test_alternatives_of_another_step_are_not_taken() -> None:
    told = said_by(SOURCE, "s", "take 1", "n", "alt 2", "take 1", "take 1", "s", "take 1", "u", "s")
    refused = ["*** say `alt` at this step first, then `take` with one of its numbers"]
    assert told[2] == told[8] == refused
    assert told[5] == told[6] == ["> (11)main()", "-> result = total(values, 4)"]
    assert told[10] == told[7]


@pytest.mark.parametrize("command", ["unt 7", "unt 99", "unt 0", "b 7"])
def test_a_line_without_code_is_refused(command: str) -> None:
    told = said_by(SOURCE, "s", command, "s")
    assert told[2][0].startswith("*** ")
    assert told[3][-1] == "-> result = total(values, 4)"


def test_a_breakpoint_on_no_code_is_refused_by_the_core() -> None:
    model, program, _ = true_jumps(SOURCE)
    with Debugger(model, program) as debugger:
        debugger.start()
        debugger.stops.add(8)
        with pytest.raises(UsageError, match="no code of a function begins on line 8"):
            debugger.run()


def test_how_the_program_ends_is_told() -> None:
    source = "def main():  # << START_OF_TRACE\n    return [][1]\n"
    told = said_by(source, "c", "rc", "alt 1")
    assert told[1][-1] == "[end: the program ends by an exception]"
