"""The ids of an answer that is sent back are those that were sampled."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from cwm_agent.policies import bundled
from cwm_agent.prompts.packs import load
from cwm_agent.server.chat.channels import Channels
from cwm_agent.server.chat.memory import Memory, Place, Remembered
from cwm_agent.server.chat.toolset import ToolSet
from cwm_agent.server.chat.transcript import Transcript
from cwm_agent.server.chat.turns import ToolDefinition, Turn, Whole
from model.text.chat_template import open_chat
from model.text.tokenizer import Detokenizer, Tokenizer

TOOLS = ToolSet([ToolDefinition("Bash", "", {"properties": {"command": {}}})])


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return Tokenizer.from_folder(bundled.folder())


@pytest.fixture(scope="module")
def transcript(tokenizer: Tokenizer) -> Transcript:
    chats = [
        open_chat(bundled.folder(), tokenizer, thinking=thinking, bos_id=2033, eos_ids=[2039])
        for thinking in (True, False)
    ]
    return Transcript(chats[0], chats[1], load("nano"), Memory(2**26), ["billing-header"])


def converse(transcript: Transcript, tokenizer: Tokenizer, number: int) -> None:
    """A conversation of random answers, sent back as clients do."""
    draw = random.Random(number)
    thinking = draw.random() < 0.8
    turns = [
        Turn("system", f"x-anthropic-billing-header: cch={number}\nBe brief."),
        Turn("user", "a"),
    ]
    before: list[int] = []
    for turn in range(draw.randint(1, 5)):
        turns[0] = replace(turns[0], text=f"x-anthropic-billing-header: cch={turn}\nBe brief.")
        rendered = transcript.render(turns, TOOLS, thinking=thinking)
        assert rendered.prompt.tolist()[: len(before)] == before
        ids = draw.choices(range(2030), k=draw.randint(0, 12))
        if draw.random() < 0.6:
            ids += tokenizer.encode_text("\n</think>\n")
            ids += draw.choices(range(2030), k=draw.randint(0, 8))
        if draw.random() < 0.5:
            ids += tokenizer.encode_text(f"<tool: bash>\necho {draw.random()}\n</tool>")
        elif draw.random() < 0.8:
            ids.append(2039)
        channels, whole, detokenizer = (
            Channels(TOOLS, thinking=thinking),
            Whole(),
            Detokenizer(tokenizer),
        )
        deltas = [delta for token in ids for delta in channels.push(detokenizer.push(token))]
        deltas += channels.push(detokenizer.finish()) + channels.finish(whole=True)
        for delta in deltas:
            whole.take(delta)
        transcript.remember(rendered, ids, whole.turn())
        before = [*rendered.prompt, *ids]
        answer = whole.turn()
        if draw.random() < 0.6:  # most clients leave the thought out
            answer = replace(answer, reasoning=None)
        turns.append(answer)
        turns.append(Turn("tool", "ok", tool="Bash") if answer.calls else Turn("user", "b"))


def test_ids_out_are_ids_in(transcript: Transcript, tokenizer: Tokenizer) -> None:
    for number in range(150):
        converse(transcript, tokenizer, number)


@pytest.mark.slow
def test_ids_out_are_ids_in_many_times(transcript: Transcript, tokenizer: Tokenizer) -> None:
    for number in range(150, 10_150):
        converse(transcript, tokenizer, number)


def test_an_edited_thought_is_not_taken_for_the_sampled_one(
    transcript: Transcript, tokenizer: Tokenizer
) -> None:
    turns = [Turn("user", "edit")]
    rendered = transcript.render(turns, TOOLS, thinking=True)
    ids = [*tokenizer.encode_text("one\n</think>\nyes"), 2039]
    transcript.remember(rendered, ids, Turn("assistant", "yes", "one"))
    for thought, same in ((None, True), ("one", True), ("two", False)):
        sent = [*turns, Turn("assistant", "yes", thought), Turn("user", "and?")]
        prompt = transcript.render(sent, TOOLS, thinking=True).prompt.tolist()
        assert (prompt[: len(rendered.prompt) + len(ids)] == [*rendered.prompt, *ids]) is same


def test_memory_forgets_what_was_not_asked_for_longest() -> None:
    from array import array

    memory, keys = Memory(1200), [Place().key([str(n)]) for n in range(4)]
    for key in keys[:3]:
        memory.remember(key, Remembered(array("i", [1] * 10)))
    assert memory.recall(keys[0]) is not None
    memory.remember(keys[3], Remembered(array("i", [1] * 10)))
    assert memory.recall(keys[1]) is None
    assert memory.recall(keys[0]) is not None
