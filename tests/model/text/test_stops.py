"""Where an answer ends."""

from __future__ import annotations

import pytest

from model.text.stops import StopRules, StopWatcher
from model.text.tokenizer import Tokenizer

CALL = "<tool: bash>\nls\n</tool>"


def shown(
    tokenizer: Tokenizer, text: str, *, thinking: bool, tools: bool = True, earlier: str = ""
) -> str:
    """The text of an answer that would go on with `text`, up to where it is stopped."""
    rules = StopRules({tokenizer.special("<|eot_id|>")}, after_tool_call=tools)
    watcher = StopWatcher(tokenizer, rules, thinking=thinking, earlier=earlier)
    for token in tokenizer.encode_text(text):
        if watcher.push(token):
            break
    return watcher.finish()


def test_an_answer_stops_after_a_tool_call(tiny: Tokenizer) -> None:
    assert shown(tiny, f"look\n{CALL} and more", thinking=False) == f"look\n{CALL}"


def test_a_call_in_thinking_is_only_a_thought(tiny: Tokenizer) -> None:
    text = f"maybe {CALL}?\n</think>\nno: {CALL} and more"
    assert shown(tiny, text, thinking=True) == f"maybe {CALL}?\n</think>\nno: {CALL}"


def test_unfinished_thinking_never_stops_at_a_call(tiny: Tokenizer) -> None:
    assert shown(tiny, CALL * 3, thinking=True) == CALL * 3


def test_a_token_may_hold_the_end_of_thinking_and_of_a_call(llama3: Tokenizer) -> None:
    text = "x</think></tool> y"
    assert shown(llama3, text, thinking=True) == "x</think></tool>"


def test_tool_calls_can_be_left_running(tiny: Tokenizer) -> None:
    assert shown(tiny, CALL * 2, thinking=False, tools=False) == CALL * 2


def test_a_continued_answer_remembers_its_beginning(tiny: Tokenizer) -> None:
    text = "ol> more"
    assert shown(tiny, text, thinking=True, earlier="hm</think><tool: bash>\nls\n</to") == "ol>"
    assert shown(tiny, text, thinking=True, earlier="hm</to") == text


def test_a_stop_token_ends_anywhere_and_is_not_shown(tiny: Tokenizer) -> None:
    eot = tiny.special("<|eot_id|>")
    watcher = StopWatcher(tiny, StopRules({eot}, after_tool_call=True), thinking=True)
    assert [watcher.push(token) for token in [*tiny.encode_text("ab"), eot]][-1]
    assert watcher.finish() == "ab"


def test_a_control_token_inside_an_answer_is_nothing_or_its_name(tiny: Tokenizer) -> None:
    eot, frame = tiny.special("<|eot_id|>"), tiny.special("<|frame_sep|>")
    ids = [*tiny.encode_text("a"), frame, *tiny.encode_text("b"), eot]
    for specials, text in ((False, "ab"), (True, "a<|frame_sep|>b")):
        watcher = StopWatcher(tiny, StopRules({eot}), thinking=False, specials=specials)
        assert [watcher.push(token) for token in ids][-1]
        assert watcher.finish() == text


def test_the_end_of_a_call_waits_for_a_character_begun_in_the_same_token() -> None:
    from model.text.vocabulary import Vocabulary

    pieces = {0: b"</too", 1: b"l>\xe2", 2: b"\x82\xac", 3: b"!"}
    tokenizer = Tokenizer(Vocabulary(lambda text: [], pieces, {}))
    watcher = StopWatcher(tokenizer, StopRules(after_tool_call=True), thinking=False)
    assert [watcher.push(token) for token in (0, 1, 2)] == [False, False, True]
    assert watcher.finish() == "</tool>€"


@pytest.mark.parametrize("cut", range(1, 8))
def test_the_tag_is_found_however_it_is_cut(cut: int) -> None:
    from model.text.vocabulary import Vocabulary

    tag = b"</tool>"
    tokenizer = Tokenizer(Vocabulary(lambda text: [], {0: b"xx" + tag[:cut], 1: tag[cut:]}, {}))
    watcher = StopWatcher(tokenizer, StopRules(after_tool_call=True), thinking=False)
    assert watcher.push(0) or watcher.push(1)


def stopped(tokenizer: Tokenizer, text: str, rules: StopRules) -> str:
    """The part of an answer that starts in thinking up to where `rules` end it."""
    watcher = StopWatcher(tokenizer, rules, thinking=True)
    for token in tokenizer.encode_text(text):
        if watcher.push(token):
            break
    return watcher.finish()


def test_a_stop_text_counts_only_in_its_channel(tiny: Tokenizer) -> None:
    text = "the END of this\n</think>\nthe END of that"
    assert stopped(tiny, text, StopRules(texts=("END",))) == "the END of this\n</think>\nthe END"
    assert stopped(tiny, text, StopRules(thinking_texts=("END",))) == "the END"
    assert stopped(tiny, text, StopRules()) == text
