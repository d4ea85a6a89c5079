"""Traces as training samples, in both grammars."""

from __future__ import annotations

import json
import random
from itertools import islice
from pathlib import Path

import pytest

from cwm_agent.nano.programs import record_program
from cwm_agent.nano.traces import TraceSource
from cwm_agent.nano.vocabulary import DEBUGGER_SIZE, SIZE, extend_vocabulary
from cwm_agent.policies import bundled
from model.text import actions
from model.text.tokenizer import Tokenizer


@pytest.fixture(scope="module")
def source() -> TraceSource:
    return TraceSource(bundled.debugger_folder())


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return Tokenizer.from_folder(bundled.debugger_folder())


def test_the_stream_of_a_seed_is_always_the_same_and_has_every_kind(
    source: TraceSource, tokenizer: Tokenizer
) -> None:
    found = list(islice(source(3), 60))
    assert found == list(islice(TraceSource(bundled.debugger_folder())(3), 60))
    texts = [tokenizer.decode(sample.ids, specials=True) for sample in found]
    assert sum("<|src_sep|>" not in text for text in texts) > 10
    assert sum("<|inv_return_sep|>" in text for text in texts) > 3
    assert sum("<|step_into|>" in text for text in texts) > 5
    assert all(len(sample.ids) <= source.longest for sample in found)


@pytest.mark.parametrize("inverse", [False, True])
def test_actions_and_first_states_are_given_and_not_learnt(
    source: TraceSource, tokenizer: Tokenizer, inverse: bool
) -> None:
    sample = source.trajectory(record_program("7"), random.Random(4), inverse=inverse)
    learnt = [token for token, w in zip(sample.ids, sample.weights, strict=True) if w == 1]
    text = tokenizer.decode(learnt, specials=True)
    mark = "inv_" if inverse else ""
    assert text.startswith(f"<|action_sep|><|{mark}")
    verbs = actions.INVERSE_VERBS if inverse else actions.FORWARD_VERBS
    assert not any(actions.verb_token(verb, inverse=inverse) in text for verb in verbs)
    assert text.endswith("<|trace_end|><|end_of_text|>")
    assert "START_OF_TRACE" not in tokenizer.decode(sample.ids)


def test_an_inner_call_is_asked_for_without_the_line_that_calls_it(source: TraceSource) -> None:
    tokenizer = Tokenizer.from_folder(bundled.debugger_folder())
    texts = []
    for seed in range(30):
        sample = source.trajectory(record_program(str(seed)), random.Random(seed), inverse=True)
        texts.append(tokenizer.decode(sample.ids, specials=True))
    inner = [text for text in texts if "def main" not in text]
    assert 10 < len(inner) < 30
    assert all(text.count("<|inv_return_sep|>") >= 1 for text in inner)


def test_the_debugger_vocabulary_is_nanos_with_the_tokens_of_actions(tmp_path: Path) -> None:
    extend_vocabulary(bundled.folder() / "tokenizer.json", tmp_path / "tokenizer.json")
    written = json.loads((tmp_path / "tokenizer.json").read_text(encoding="utf-8"))
    bundle = bundled.debugger_folder() / "tokenizer.json"
    assert written == json.loads(bundle.read_text(encoding="utf-8"))
    longer, nano = Tokenizer.from_folder(tmp_path), Tokenizer.from_folder(bundled.folder())
    assert (longer.size, nano.size) == (DEBUGGER_SIZE, SIZE)
    assert {name: longer.special(name) for name in nano.specials} == nano.specials
    assert sorted(longer.special(name) for name in actions.TOKENS) == list(
        range(SIZE, SIZE + len(actions.TOKENS))
    )
    text = "def count(s, t):\n    return s.count(t)\n"
    assert longer.encode_text(text) == nano.encode_text(text)
