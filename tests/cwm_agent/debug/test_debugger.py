"""With a model that knows the truth, every command lands where pdb lands."""

from __future__ import annotations

import pdb
import random
import re
import sys
from collections.abc import Iterator
from dataclasses import replace
from io import StringIO
from types import FrameType
from typing import Any

import pytest
from programs import program
from scripted import form, predictor, tokenizer, truthful

from cwm_agent.debug.core.debugger import Debugger
from cwm_agent.debug.core.inverse import line_goal, result_goal, which_call
from cwm_agent.debug.core.stops import Stop
from cwm_agent.debug.core.verify import verify
from cwm_agent.debug.frames.state import Moment
from cwm_agent.debug.legal.program import FILE, Program
from cwm_agent.debug.predict.scripted import recorded
from cwm_agent.debug.record.here import record_here
from cwm_agent.debug.record.tracer import Tracer
from cwm_agent.errors import UsageError
from model.text.traces import Frame

Place = tuple[str, int, dict[str, str]]
UNLIKE = {
    "async": "pdb hides a StopIteration without a traceback; no frame tells whether it has one",
    "delegate": "the same, where `yield from` meets the end of the inner generator",
    "context": "two suspended generators of one function: no frame tells which of them goes on",
}
"""Constructs in which frames do not hold what pdb goes by, and what that is."""
COMMANDS = ["step", "step", "step", "next", "next", "return", "until", "continue"]


class Pdb(pdb.Pdb):
    """pdb itself, told what to do, that writes down where it stands; it sees our program only."""

    def __init__(self, commands: list[str], source: str) -> None:
        super().__init__(stdout=StringIO(), nosigint=True, readrc=False, skip=["unused"])
        self.left = list(commands)
        self.places: list[Place] = []
        self.write_value = Tracer(source, FILE, most=0).write
        self.event = "line"

    def is_skipped_module(self, module_name: str) -> bool:
        return module_name != "__traced__"

    def interaction(self, frame: FrameType | None, traceback: Any) -> None:
        assert frame is not None
        found = {
            n: v for n, v in frame.f_locals.items() if n not in ("__return__", "__exception__")
        }
        shown = {name: self.write_value(value) for name, value in found.items()}
        self.places.append((self.event, frame.f_lineno, shown))
        self.setup(frame, traceback)
        self.onecmd(self.left.pop(0) if self.left else "continue")
        self.forget()

    def user_call(self, frame: FrameType, argument_list: None) -> None:
        self.event = "call"
        super().user_call(frame, argument_list)

    def user_line(self, frame: FrameType) -> None:
        self.event = "line"
        super().user_line(frame)

    def user_return(self, frame: FrameType, return_value: Any) -> None:
        self.event = "return"
        super().user_return(frame, return_value)

    def user_exception(self, frame: FrameType, exc_info: Any) -> None:
        self.event = "exception"
        super().user_exception(frame, exc_info)


def pdb_places(source: str, commands: list[str], breaks: list[int]) -> list[Place]:
    """Where pdb stands before each command, and after the last."""
    space: dict[str, Any] = {"__name__": "__traced__"}
    exec(compile(source, FILE, "exec"), space)
    driver = Pdb(commands, source)
    for line in breaks:
        driver.breaks.setdefault(driver.canonic(FILE), []).append(line)
        pdb.bdb.Breakpoint(driver.canonic(FILE), line)  # type: ignore[attr-defined]
    try:
        driver.runcall(space["main"])
    except Exception:  # noqa: BLE001 - the program may raise
        pass
    finally:
        sys.settrace(None)
        pdb.bdb.Breakpoint.clearBreakpoints()  # type: ignore[attr-defined]
    return driver.places[: len(commands) + 1]


def our_places(source: str, commands: list[str], breaks: list[int]) -> Iterator[Place]:
    model, read, _ = truthful(source)
    with Debugger(model, read) as debugger:
        for line in breaks:
            debugger.stops.add(line)
        debugger.start()
        do = {
            "step": debugger.step,
            "next": debugger.next,
            "return": debugger.finish,
            "until": debugger.until,
            "continue": debugger.run,
        }
        for command in ["step", *commands]:
            stop = do[command]()
            if stop.reason == "end":
                return
            scope, frame = stop.moment.scope, stop.moment.frame
            assert scope is not None
            assert frame is not None
            assert stop.moment.allowed
            yield frame.event, scope.line or 0, dict(scope.locals)


def test_every_command_lands_where_pdb_lands() -> None:
    wrong = {}
    compared = 0
    for seed in range(50):
        source = program(seed, tuple(UNLIKE))
        rng = random.Random(seed)
        commands = [rng.choice(COMMANDS) for _ in range(25)]
        texts = source.split("\n")
        # a breakpoint on one of two equal lines may be missed: frames have texts, not numbers
        once = [text for text in texts if text.startswith("    ") and texts.count(text) == 1]
        breaks = sorted(texts.index(text) + 1 for text in rng.sample(once, 4))
        theirs = pdb_places(source, commands, breaks)
        ours = list(our_places(source, commands, breaks))
        compared += len(theirs)
        for number, (mine, true) in enumerate(zip(ours, theirs, strict=False)):
            # what a return or exception changed is shown by no frame
            same = mine[0] == true[0] and texts[mine[1] - 1] == texts[true[1] - 1]
            same = same and (true[0] not in ("call", "line") or mine[2] == true[2])
            if not same:
                wrong[seed] = (number, ["", *commands][number], mine, true, theirs[number - 1])
                break
        else:
            if len(ours) != len(theirs):
                wrong[seed] = (len(ours), len(theirs))
    assert wrong == {}
    assert compared > 500


SOURCE = """\
def total(items, limit):
    result = 0
    for item in items:
        if item > limit:
            result += item
    return result


def main():  # << START_OF_TRACE
    return total([3, 8, 5], 4)
"""


def at(stop: Stop) -> tuple[int | None, dict[str, str]]:
    assert stop.moment.scope is not None
    return stop.moment.line, dict(stop.moment.scope.locals)


def test_back_and_forth_and_a_breakpoint_with_a_condition() -> None:
    model, read, _ = truthful(SOURCE)
    with Debugger(model, read) as debugger:
        debugger.stops.add(5, "result == 8")
        debugger.start()
        stop = debugger.run()
        assert stop.reason == "breakpoint"
        assert at(stop)[1]["result"] == "8"
        assert at(debugger.back())[0] == 4
        assert at(debugger.step())[0] == 5
        assert debugger.run_back().reason == "start"
        assert debugger.run().reason == "breakpoint"
        assert debugger.run().reason == "end"


def test_a_changed_variable_is_a_branch_and_the_old_one_stays() -> None:
    model, read, _ = truthful(SOURCE)
    with Debugger(model, read) as debugger:
        debugger.start()
        for _ in range(4):
            debugger.step()
        old = debugger.node
        assert at(debugger.set_variable("result", "100"))[1]["result"] == "100"
        assert len(debugger.node.branches) == 2
        assert at(debugger.go(old))[1]["result"] == "0"
        with pytest.raises(UsageError, match="no name"):
            debugger.set_variable("a b", "1")


GARBLED = {
    "truncated": '<|line_sep|>{"x',
    "no event": "hello",
    "no line": "<|line_sep|>{}<|frame_sep|>",
    "empty": "",
    "endless": "<|line_sep|>" + "[" * 3000,
}


@pytest.mark.parametrize("said", GARBLED.values(), ids=GARBLED.keys())
def test_a_garbled_answer_is_a_message_and_the_session_goes_on(said: str) -> None:
    _, read, recording = truthful(SOURCE)
    truth, broken = recorded(form(), recording.frames), [True]

    def answers(moment: Moment) -> list[int]:
        return ids_of(said) if moment.index == 2 and broken[0] else list(truth(moment))

    with Debugger(predictor(answers), read) as debugger:
        debugger.start()
        debugger.step()
        place = at(debugger.step())
        stop = debugger.step()
        assert stop.reason == "problem"
        assert stop.said
        assert at(stop) == place
        broken[0] = False
        assert debugger.run().reason == "end"


def ids_of(text: str) -> list[int]:
    found: list[int] = []
    for part in re.split(r"(<\|[a-z_]+\|>)", text):
        control = tokenizer().find_special(part)
        found += [control] if control is not None else tokenizer().encode_text(part)
    return found


def test_verify_shows_the_first_difference_by_component() -> None:
    _, read, recording = truthful(SOURCE)
    frames = list(recording.frames)
    place = next(i for i, one in enumerate(frames) if ("result", "8") in one.locals)
    wrong = tuple((n, "9" if n == "result" else v) for n, v in frames[place].locals)
    frames[place] = replace(frames[place], locals=wrong)
    with Debugger(predictor(recorded(form(), frames)), read) as debugger:
        debugger.start()
        debugger.run()
        found = verify(read, debugger.node.path(), record_here)
    assert found.divergence.step == place
    assert [str(one) for one in found.divergence.differences] == [
        "locals result: predicted 9, really 8"
    ]


def test_proposed_calls_are_executed_and_marked() -> None:
    source = "def f(x):  # << START_OF_TRACE\n    if x > 3:\n        return 1\n    return 0\n"
    read = Program.read(source)
    for value, true in (("7", True), ("2", False)):
        frame = Frame("call", source.split("\n")[0], (("x", value),))
        model = predictor(recorded(form(), [frame]))
        (found,) = which_call(model, read, line_goal(3), record_here)
        assert (found.call, found.true) == (f"f(x={value})", true)
        (found,) = which_call(model, read, result_goal(" 1"), record_here)
        assert (found.call, found.true) == (f"f(x={value})", true)
    with pytest.raises(UsageError, match="no written-out value"):
        result_goal("g(")


def test_missing_arguments_are_filled_in_and_given_ones_kept() -> None:
    source = "def f(x, y):  # << START_OF_TRACE\n    return x\n"
    frame = Frame("call", source.split("\n")[0], (("x", "1"), ("y", "2")))
    model = predictor(recorded(form(), [frame]))
    with Debugger(model, Program.read(source), arguments={"y": "5"}) as debugger:
        assert at(debugger.start())[1] == {"x": "1", "y": "5"}


def test_given_values_are_written_as_in_traces() -> None:
    source = "def f(x, y):  # << START_OF_TRACE\n    return x\n"
    given = {"x": '[1,"a"]', "y": "1e999"}
    model, read, _ = truthful(source, arguments="[1, 'a'], 1e999")
    with Debugger(model, read, arguments=given) as debugger:
        assert at(debugger.start())[1] == {"x": "[1, 'a']", "y": "1e999"}
        debugger.step()
        assert at(debugger.set_variable("x", "{2,}"))[1]["x"] == "{2}"
        assert at(debugger.set_variable("x", "make()"))[1]["x"] == "make()"
