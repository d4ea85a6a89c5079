"""Frames are read back as they were written, and nothing that is read raises."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from programs import program
from scripted import form, tokenizer, truthful

from cwm_agent.debug.frames.parse import FrameParser
from cwm_agent.debug.frames.state import Moment
from model.text.traces import Frame, TraceFormat

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
LINE = TEXT.filter(lambda text: not text.endswith("\n"))
SHOWN = st.builds(
    lambda event, line, pairs: Frame(event, line, tuple(pairs.items())),
    st.sampled_from(["call", "line"]),
    LINE,
    st.dictionaries(TEXT, TEXT, max_size=4),
)
LEFT = st.builds(
    lambda event, line, value: Frame(event, line, value=value),
    st.sampled_from(["return", "exception"]),
    LINE,
    TEXT,
)


@pytest.mark.parametrize("newline", [False, True])
@given(frame=st.one_of(SHOWN, LEFT))
@settings(max_examples=60)
def test_any_frame_is_read_back(newline: bool, frame: Frame) -> None:
    written = TraceFormat(tokenizer(), newline=newline)
    read = FrameParser(tokenizer(), written).read(written.frame(frame))
    assert read.frame == frame
    assert read.problems == ()


@given(st.lists(st.integers(0, 2047), max_size=40))
@settings(max_examples=150)
def test_no_sequence_of_tokens_raises(ids: list[int]) -> None:
    FrameParser(tokenizer(), form()).read_all(ids)


def round_trip(seeds: range) -> int:
    parser, count = FrameParser(tokenizer(), form()), 0
    for seed in seeds:
        frames = truthful(program(seed))[2].frames
        read = parser.read_all(form().frames(frames))
        assert read.frames == frames, seed
        assert (read.problems, read.ended, read.cut) == ((), True, False)
        count += len(frames)
    return count


def test_recorded_programs_are_read_back() -> None:
    assert round_trip(range(15)) > 500


@pytest.mark.slow  # two minutes
def test_five_hundred_recorded_programs_are_read_back() -> None:
    assert round_trip(range(500)) > 40_000


def test_unchanged_values_are_known_across_a_call() -> None:
    source = "def g(y):\n    return y\n\n\ndef f():  # << START_OF_TRACE\n"
    source += "    x = [1]\n    y = g(2)\n    return x, y\n"
    _, read, recording = truthful(source)
    here = Moment.start(read)
    for frame in recording.frames[:-1]:
        here = here.after(frame)
    assert here.scope is not None
    assert dict(here.scope.locals) == {"x": "[1]", "y": "2"}
    assert here.scope.changed == {"y"}
    assert here.scope.unknown == frozenset()
