"""An answer that comes in pieces ends where our own engine would have ended it."""

from __future__ import annotations

from functools import cache
from itertools import pairwise

import hypothesis.strategies as st
from hypothesis import given, settings

from cwm_agent.policies import bundled
from cwm_agent.policies.dialogue import Dialogue
from cwm_agent.policies.endpoint.answer import Answer
from cwm_agent.policies.endpoint.completions import Piece
from envs.environment import ReplyLimits
from model.checkpoint.layouts import read_shape
from model.text.chat import ChatFormat
from model.text.tokenizer import Tokenizer

CALL = "A thought about </tool>.\n</think>\nI look.\n<tool: bash>\nls ü\n</tool>"
LATER = "\nand more that nobody wants"
CUTS = st.lists(st.integers(0, 60), max_size=8)


@cache
def dialogue() -> Dialogue:
    tokenizer = Tokenizer.from_folder(bundled.folder())
    config = read_shape(bundled.folder())
    chat = ChatFormat(tokenizer, bos_id=config.bos_id, eos_ids=config.eos_ids)
    return Dialogue(tokenizer, chat, lambda ids: None)


def take_all(answer: Answer, pieces: list[Piece]) -> int:
    """Feed pieces until it has enough; how many tokens counted."""
    taken = 0
    for piece in pieces:
        taken += answer.take(piece)
        if answer.finish is not None:
            break
    return taken


@given(CUTS)
@settings(max_examples=40)
def test_ids_in_any_pieces_end_with_the_call(cuts: list[int]) -> None:
    ids = dialogue().tokenizer.encode_text(CALL + LATER)
    call = len(dialogue().tokenizer.encode_text(CALL))
    places = sorted({0, len(ids), *(cut for cut in cuts if cut < len(ids))})
    pieces = [Piece("?", tuple(ids[a:b])) for a, b in pairwise(places)]
    answer = Answer(dialogue(), ReplyLimits(500))
    assert take_all(answer, pieces) == call
    assert (answer.finish, answer.ended_here) == ("stop", True)
    assert answer.result() == (CALL, tuple(ids[:call]))


@given(CUTS)
@settings(max_examples=40)
def test_text_in_any_pieces_ends_with_the_call(cuts: list[int]) -> None:
    whole = CALL + LATER
    places = sorted({0, len(whole), *cuts})
    pieces = [Piece(whole[a:b]) for a, b in pairwise(places)]
    answer = Answer(dialogue(), ReplyLimits(500))
    take_all(answer, pieces)
    text, ids = answer.result()
    assert (answer.finish, text) == ("stop", CALL)
    assert list(ids) == dialogue().chat.answer(CALL, finished=True)


def test_what_the_server_says_of_the_end_counts_where_nothing_ended_here() -> None:
    for said, meant in (("length", "length"), ("stop", "stop"), ("abort", None)):
        answer = Answer(dialogue(), ReplyLimits(500))
        answer.take(Piece("I look", (1, 2, 3)))
        answer.take(Piece("", (), said))
        assert (answer.finish, answer.ended_here) == (meant, False)


def test_no_more_tokens_than_were_asked_for() -> None:
    answer = Answer(dialogue(), ReplyLimits(5))
    assert answer.take(Piece("", tuple(range(300, 320)))) == 5
    assert (answer.finish, answer.so_far) == ("length", tuple(range(300, 305)))


def test_a_call_counts_only_where_it_ends_the_turn() -> None:
    answer = Answer(dialogue(), ReplyLimits(500, stop_after_tool_call=False))
    answer.take(Piece(CALL))
    assert answer.finish is None
