"""Execution traces: recorded as they happened, written as CWM writes them."""

from __future__ import annotations

from cwm_agent.nano.programs import record, record_program
from cwm_agent.policies import bundled
from model.text.tokenizer import Tokenizer
from model.text.traces import START_MARK, Frame, TraceFormat

SOURCE = f"""\
def double(x):
    y = x + x
    return y


def main():{START_MARK}
    return double(3)
"""


def test_a_call_is_recorded_frame_by_frame() -> None:
    found = record(SOURCE, "main", 10)
    assert found is not None
    assert not found.raised
    assert list(found.frames) == [
        Frame("call", f"def main():{START_MARK}"),
        Frame("line", "    return double(3)"),
        Frame("call", "def double(x):", (("x", "3"),)),
        Frame("line", "    y = x + x", (("x", ".."),)),
        Frame("line", "    return y", (("x", ".."), ("y", "6"))),
        Frame("return", "    return y", value="6"),
        Frame("return", "    return double(3)", value="6"),
    ]


def test_an_exception_passes_through_the_frames() -> None:
    source = f"def main():{START_MARK}\n    return [][1]\n"
    found = record(source, "main", 10)
    assert found is not None
    assert found.raised
    assert [frame.event for frame in found.frames] == ["call", "line", "exception", "return"]
    assert found.frames[2].value == "IndexError: list index out of range"


def test_a_long_run_is_refused() -> None:
    source = f"def main():{START_MARK}\n    for i in range(99):\n        pass\n"
    assert record(source, "main", 20) is None


def test_frames_are_written_with_their_control_tokens() -> None:
    tokenizer = Tokenizer.from_folder(bundled.folder())
    form = TraceFormat(tokenizer)
    line = form.frame(Frame("line", "    y = x", (("x", "3"), ("z", ".."))))
    assert tokenizer.decode(line, specials=True) == (
        '<|line_sep|>{"x": "3", "z": ".."}<|action_sep|>    y = x<|frame_sep|>'
    )
    back = form.frame(Frame("return", "    return y", value="'a'"))
    assert tokenizer.decode(back, specials=True) == (
        "<|return_sep|><|action_sep|>    return y<|arg_sep|>\"'a'\"<|frame_sep|>"
    )
    prompt = tokenizer.decode(form.prompt("x"), specials=True)
    assert prompt == "<|begin_of_text|><|trace_context_start|>x<|frame_sep|>"


def test_programs_repeat_and_some_raise() -> None:
    programs = [record_program(str(seed)) for seed in range(120)]
    assert programs == [record_program(str(seed)) for seed in range(120)]
    events = {frame.event for program in programs for frame in program.frames}
    assert events == {"call", "line", "return", "exception"}
