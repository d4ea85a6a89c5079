"""Locals of which some are certain come out token by token as in the training traces."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scripted import form, tokenizer

from cwm_agent.debug.frames.confidence import Piece
from cwm_agent.debug.frames.parse import FrameParser
from cwm_agent.debug.predict.filled import Place, write_locals
from cwm_agent.debug.predict.voice import Voice
from model.step.sampler import Sampling
from model.text.tokenizer import Tokenizer


@cache
def llama3() -> Tokenizer:
    """CWM's vocabulary."""
    spec = importlib.util.find_spec("llama_models")
    assert spec is not None
    assert spec.submodule_search_locations
    return Tokenizer.from_folder(Path(spec.submodule_search_locations[0]) / "llama3")


@dataclass
class Pen:
    """Writes down what is forced, and says `truth` where it is asked."""

    voice: Voice
    truth: str
    ids: list[int] = field(default_factory=list)
    sampled: int = 0

    def force(self, ids: Sequence[int]) -> None:
        self.ids += ids

    def write(self, watcher: Any, mask: Any) -> list[Piece]:
        answer: list[int] = []
        while True:
            said = self.voice.tokenizer.decode(self.ids)
            assert self.truth.startswith(said)
            token = self.voice.tokenizer.encode_text(self.truth[len(said) :])[0]
            place = watcher._now(self.voice.tokenizer.decode(answer))
            if len(answer) < 2 and self.voice.vocabulary < 5000:
                assert mask(answer)[token], (said, self.voice.tokenizer.decode([token]))
            text = self.voice.tokenizer.decode([token])
            assert "\ufffd" in text or place.went(text) is not None, (said, text)
            answer.append(token)
            self.ids.append(token)
            self.sampled += 1
            if watcher.push(token):
                return [Piece(text, -0.1)] * len(answer)


def voice(words: Tokenizer, vocabulary: int) -> Voice:
    parser = FrameParser(tokenizer(), form())
    return Voice(words, form(), parser, Sampling(0.0), 4096, vocabulary)


NANO = voice(tokenizer(), 2048)
CASES: list[tuple[dict[str, str], set[str]]] = [
    ({}, set()),
    ({"x": "3"}, set()),
    ({"x": "3"}, {"x"}),
    ({"items": "..", "total": "'a\\\\b'", "_k": "[1, 2]", "e": "{'a': \"b\"}"}, {"items", "_k"}),
    ({"items": "..", "total": "-1", "n": "True"}, {"total"}),
    ({"a": "''", "b": "..", "c": "<object>", "d": "(1, 'x')"}, {"b", "d"}),
]


@pytest.mark.parametrize("llama", [False, True])
@pytest.mark.parametrize(("names", "sure"), CASES)
def test_the_tokens_are_those_of_the_whole_text(
    names: dict[str, str], sure: set[str], llama: bool
) -> None:
    words = llama3() if llama else tokenizer()
    text = json.dumps(names)
    pen = Pen(voice(words, 128_256) if llama else NANO, text)
    found = write_locals(pen, tuple(names), {name: names[name] for name in sure})
    assert found is not None
    assert set(found) == set(names)
    assert {name for name, p in found.items() if p == 1.0} == sure
    assert words.decode(pen.ids) == text
    assert pen.ids == words.encode_text(text)
    assert (pen.sampled == 0) == (sure == set(names))


texts = st.text(st.characters(min_codepoint=32, max_codepoint=0x2FF), max_size=12)


@settings(max_examples=30)
@given(st.dictionaries(st.sampled_from("abcdxyz_"), st.tuples(texts, st.booleans()), max_size=4))
def test_any_text_can_stand_in_any_place(drawn: dict[str, tuple[str, bool]]) -> None:
    names = {name: value for name, (value, _) in drawn.items()}
    pen = Pen(NANO, json.dumps(names))
    sure = {name: value for name, (value, certain) in drawn.items() if certain}
    assert write_locals(pen, tuple(names), sure) is not None
    assert json.loads(tokenizer().decode(pen.ids)) == names


def test_a_value_ends_only_as_the_frame_goes_on() -> None:
    start = Place('"', ', "')
    assert start.went('"a') == Place(None, ', "')
    assert start.went("a") is None
    assert start.went('"a\\"b') == Place(None, ', "')
    assert start.went('"a"}') is None
    assert start.went('"a", ') == Place(None, ', "', after=2)
    assert start.went('"a\n') is None
