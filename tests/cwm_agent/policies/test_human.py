"""A person as the model: lines come from a file descriptor, as from a terminal or a pipe."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from cwm_agent.policies.estimate import EstimatingMeter
from cwm_agent.policies.human import HELP, HumanPolicy
from envs.environment import ReplyLimits
from results.records import Message

LIMITS = ReplyLimits(max_tokens=100)


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    reader, writer = os.pipe()
    yield reader, writer
    os.close(reader)
    os.close(writer)


def test_a_message_ends_with_a_dot_alone(pipe: tuple[int, int]) -> None:
    reader, writer = pipe
    os.write(writer, "Grüße\n<tool: bash>\nls\n</tool>\n..\n.\nsecond\r\n.\n".encode())
    shown: list[str] = []
    with closing(HumanPolicy(reader, shown.append).open(seed=0)) as person:
        person.observe([Message("user", "Solve it.")])
        assert person.reply(LIMITS).text == "Grüße\n<tool: bash>\nls\n</tool>\n."
        assert person.reply(LIMITS).text == "second"
    assert shown[0] == "--- user\nSolve it.\n"
    assert shown.count(HELP) == 1


def test_help_can_be_asked_for_and_is_no_part_of_the_message(pipe: tuple[int, int]) -> None:
    reader, writer = pipe
    os.write(writer, b"one\n.help\ntwo\n.\n")
    shown: list[str] = []
    with closing(HumanPolicy(reader, shown.append).open(seed=0)) as person:
        assert person.reply(LIMITS).text == "one\ntwo"
    assert shown.count(HELP) == 2


def test_the_end_of_input_cancels(tmp_path: Path) -> None:
    typed = tmp_path / "typed"
    typed.write_text("whole\n.\nhalf")
    descriptor = os.open(typed, os.O_RDONLY)
    with closing(HumanPolicy(descriptor, lambda text: None).open(seed=0)) as person:
        assert person.reply(LIMITS).finish == "stop"
        assert person.reply(LIMITS).finish == "cancelled"
    os.close(descriptor)


def test_a_waiting_reply_can_be_cancelled_from_another_thread(pipe: tuple[int, int]) -> None:
    with closing(HumanPolicy(pipe[0], lambda text: None).open(seed=0)) as person:
        threading.Timer(0.1, person.cancel).start()
        assert person.reply(LIMITS).finish == "cancelled"


def test_four_characters_count_as_one_token() -> None:
    meter = EstimatingMeter()
    assert [meter.count("x" * length) for length in (0, 1, 4, 5)] == [0, 1, 1, 2]
    assert meter.head("abcdefghij", 2) == "abcdefgh"
    assert meter.tail("abcdefghij", 2) == "cdefghij"
    assert (meter.head("abc", 0), meter.tail("abc", 0)) == ("", "")
    assert meter.tail("abc", 5) == "abc"
