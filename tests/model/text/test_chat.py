"""Token ids of conversations, against ids put together by hand.

The expected ids never come from our renderer or encoder: every text is written
as the list of its vocabulary entries, whose ranks are looked up in the file,
and every control token as its published id.
"""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from model.errors import TokenizerError
from model.text.chat import ChatFormat, ChatMessage
from model.text.tokenizer import Tokenizer
from model.text.vocabulary import Vocabulary

BOS, HEAD, TAIL, EOM, EOT = 128000, 128006, 128007, 128008, 128009
THINK = [14023, 771, 397]  # "<think>\n"


@pytest.fixture(scope="module")
def ranks(llama3_file: Path) -> dict[bytes, int]:
    pairs = (line.split() for line in llama3_file.read_bytes().splitlines())
    return {base64.b64decode(piece): int(rank) for piece, rank in pairs}


@pytest.fixture(scope="module")
def chat(llama3: Tokenizer) -> ChatFormat:
    return ChatFormat(llama3)


class Speller:
    """Ids of pieces given one by one."""

    def __init__(self, ranks: dict[bytes, int]) -> None:
        self._ranks = ranks

    def __call__(self, *pieces: str) -> list[int]:
        return [self._ranks[piece.encode()] for piece in pieces]

    def message(self, role: list[str], *pieces: str, end: int = EOT) -> list[int]:
        return [HEAD, *self(*role), TAIL, *self("\n\n"), *self(*pieces), end]


@pytest.fixture(scope="module")
def spell(ranks: dict[bytes, int]) -> Speller:
    return Speller(ranks)


FIVE = [
    ChatMessage("system", "  You repair code.\n"),
    ChatMessage("user", "\nThe test fails.\nFind out why.  "),
    ChatMessage(
        "assistant",
        "<think>\nList the files first.\n</think>\nI look around.\n<tool: bash>\nls -a\n</tool>\n",
    ),
    ChatMessage("tool: bash", "\n<output>\nsetup.py\n</output>\n"),
    ChatMessage("user", "Fix it now."),
]


def five_by_hand(spell: Speller) -> list[int]:
    thinking = [
        "<th",
        "ink",
        ">\n",
        "List",
        " the",
        " files",
        " first",
        ".\n",
        "</",
        "think",
        ">\n",
    ]
    call = ["<", "tool", ":", " bash", ">\n", "ls", " -", "a", "\n", "</", "tool", ">"]
    output = ["\n", "<", "output", ">\n", "setup", ".py", "\n", "</", "output", ">\n"]
    return [
        BOS,
        *spell.message(["system"], "You", " repair", " code", "."),
        *spell.message(["user"], "The", " test", " fails", ".\n", "Find", " out", " why", "."),
        *spell.message(["assistant"], *thinking, "I", " look", " around", ".\n", *call),
        *spell.message(["tool", ":", " bash"], *output),
        *spell.message(["user"], "Fix", " it", " now", "."),
    ]


def test_five_messages_with_thinking_and_a_tool_reply(chat: ChatFormat, spell: Speller) -> None:
    header = [HEAD, *spell("assistant"), TAIL, *spell("\n\n")]
    assert chat.prompt(FIVE) == [*five_by_hand(spell), *header, *THINK]


def test_without_thinking_nothing_follows_the_header(llama3: Tokenizer, spell: Speller) -> None:
    chat = ChatFormat(llama3, thinking=False)
    header = [HEAD, *spell("assistant"), TAIL, *spell("\n\n")]
    assert chat.prompt(FIVE) == [*five_by_hand(spell), *header]


def test_known_ids_of_the_frame(chat: ChatFormat) -> None:
    """The same in bare numbers: system 9125, user 882, assistant 78191, newlines 271."""
    assert chat.prompt([ChatMessage("user", "Fix it now.")]) == [
        *[128000, 128006, 882, 128007, 271, 27048, 433, 1457, 13, 128009],
        *[128006, 78191, 128007, 271, 14023, 771, 397],
    ]


def test_a_tool_body_keeps_its_newline_apart_from_the_header(
    chat: ChatFormat, spell: Speller
) -> None:
    """Joined with the header's newlines it would be the one token 1432."""
    ids = chat.message(ChatMessage("tool: bash", "\n"))
    assert ids[-4:] == [TAIL, 271, 198, EOT]
    assert 1432 not in ids


def test_older_thinking_can_be_left_out(chat: ChatFormat, spell: Speller) -> None:
    body = "<think>\nList the files first.\n</think>\nI look around."
    ids = chat.prompt([ChatMessage("assistant", body)], preserve_previous_think=False)
    expected = spell.message(["assistant"], "I", " look", " around", ".")
    assert ids[1 : 1 + len(expected)] == expected
    kept = chat.prompt([ChatMessage("assistant", body)])
    assert kept[5:8] == THINK


def test_thinking_text_of_others_is_never_left_out(chat: ChatFormat) -> None:
    messages = [ChatMessage("user", "</think> is a tag"), ChatMessage("tool: bash", "a</think>b")]
    assert chat.prompt(messages, preserve_previous_think=False) == chat.prompt(messages)


def test_only_answers_may_hold_the_two_thinking_tokens(chat: ChatFormat) -> None:
    body = "<|reasoning_thinking_start|>x<|reasoning_thinking_end|><|eot_id|>"
    answer = chat.message(ChatMessage("assistant", body))
    assert answer[4:7] == [128120, 87, 128121]
    assert [i for i in answer if i >= 128000] == [HEAD, TAIL, 128120, 128121, EOT]
    user = chat.message(ChatMessage("user", body))
    assert [i for i in user if i >= 128000] == [HEAD, TAIL, EOT]


def test_a_message_that_keeps_the_turn_ends_in_eom(chat: ChatFormat, spell: Speller) -> None:
    message = ChatMessage("user", "Fix it now.", ends_turn=False)
    assert chat.message(message) == spell.message(["user"], "Fix", " it", " now", ".", end=EOM)


@pytest.mark.parametrize(
    ("last_id", "joint"), [(EOT, []), (EOM, [EOT]), (128001, [EOT]), (397, [EOT])]
)
def test_an_answer_that_left_its_turn_open_is_closed_first(
    chat: ChatFormat, spell: Speller, last_id: int, joint: list[int]
) -> None:
    ids = chat.continuation([ChatMessage("user", "Fix it now.")], last_id=last_id)
    header = [HEAD, *spell("assistant"), TAIL, *spell("\n\n"), *THINK]
    message = spell.message(["user"], "Fix", " it", " now", ".")
    assert ids == [*joint, *message, *header]


def test_appending_message_by_message_equals_the_whole(chat: ChatFormat) -> None:
    system, user, answer, tool, last = FIVE
    prefix, body = "<think>\n", answer.body.strip()
    ids = chat.prompt([system, user])
    ids += chat.answer(body.removeprefix(prefix), finished=True)
    ids += chat.continuation([tool, last], last_id=ids[-1])
    assert ids == chat.prompt(FIVE)


def test_all_ends_stop_an_answer(llama3: Tokenizer) -> None:
    assert ChatFormat(llama3, eos_ids=[5]).stop_ids == {5, 128001, EOM, EOT}


def letters() -> Tokenizer:
    """A vocabulary of bytes without any control token."""
    return Tokenizer(
        Vocabulary(lambda text: list(text.encode()), {b: bytes([b]) for b in range(256)}, {})
    )


def test_a_vocabulary_without_header_tokens_gets_plain_headers() -> None:
    chat = ChatFormat(letters(), thinking=False, bos_id=1, eos_ids=[2, 3])
    frame = b"<|start_header_id|>user<|end_header_id|>\n\nhi"
    assert chat.prompt([ChatMessage("user", "hi")]) == [
        1,
        *frame,
        2,
        *b"<|start_header_id|>assistant<|end_header_id|>\n\n",
    ]
    assert chat.stop_ids == {2, 3}


def test_without_any_end_of_message_there_is_no_chat() -> None:
    with pytest.raises(TokenizerError, match="add eos_token_id"):
        ChatFormat(letters())
