"""Both kinds of tokenizer files: byte-exact, and text never becomes a control token."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model.errors import CheckpointError, TokenizerError
from model.text.tokenizer import PIECE_CHARACTERS, Detokenizer, Tokenizer
from model.text.vocabulary import Vocabulary

TEXTS = st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from("é€😀 \n\t<|>"))


@pytest.fixture(scope="session", params=["tokenizer.model", "tokenizer.json"])
def tokenizer(request: pytest.FixtureRequest, llama3: Tokenizer, tiny: Tokenizer) -> Tokenizer:
    return llama3 if request.param == "tokenizer.model" else tiny


def test_the_control_tokens_stand_where_cwm_has_them(llama3: Tokenizer) -> None:
    assert llama3.size == 128256
    for name, token in {
        "<|begin_of_text|>": 128000,
        "<|end_of_text|>": 128001,
        "<|reserved_special_token_128002|>": 128002,
        "<|pad|>": 128004,
        "<|start_header_id|>": 128006,
        "<|end_header_id|>": 128007,
        "<|eom_id|>": 128008,
        "<|eot_id|>": 128009,
        "<|frame_sep|>": 128100,
        "<|trace_context_start|>": 128107,
        "<|reasoning_thinking_start|>": 128120,
        "<|reasoning_thinking_end|>": 128121,
        "<|reserved_special_token_128255|>": 128255,
    }.items():
        assert llama3.special(name) == token


def test_published_ids_of_known_texts(llama3: Tokenizer) -> None:
    assert llama3.encode_text("<think>\n") == [14023, 771, 397]
    assert llama3.encode_text("</think>") == [524, 27963, 29]
    assert llama3.encode_text("\n</think>\n") == [198, 524, 27963, 397]
    assert llama3.encode_text("\n\n\n") == [1432]


def test_a_control_token_in_text_stays_text(tokenizer: Tokenizer) -> None:
    text = "a<|eot_id|>b<|begin_of_text|>"
    ids = tokenizer.encode_text(text)
    assert tokenizer.special("<|eot_id|>") not in ids
    assert tokenizer.special("<|begin_of_text|>") not in ids
    assert tokenizer.decode(ids) == text


def test_a_control_token_without_its_flag_stays_text_too(
    tiny_tokenizer: str, tmp_path: Path
) -> None:
    raw = json.loads(tiny_tokenizer)
    for token in raw["added_tokens"]:
        token["special"] = False
    (tmp_path / "tokenizer.json").write_text(json.dumps(raw))
    tokenizer = Tokenizer.from_folder(tmp_path)
    assert tokenizer.special("<|eot_id|>") not in tokenizer.encode_text("<|eot_id|>")


def test_control_tokens_are_hidden_or_shown(tokenizer: Tokenizer) -> None:
    ids = [*tokenizer.encode_text("end"), tokenizer.special("<|eot_id|>")]
    assert tokenizer.decode(ids) == "end"
    assert tokenizer.decode(ids, specials=True) == "end<|eot_id|>"


def test_an_unknown_control_token_is_an_error(tokenizer: Tokenizer) -> None:
    assert tokenizer.find_special("<|im_start|>") is None
    with pytest.raises(TokenizerError, match="im_start"):
        tokenizer.special("<|im_start|>")


@settings(max_examples=150)
@given(TEXTS)
def test_decoding_gives_the_text_back(tokenizer: Tokenizer, text: str) -> None:
    assert tokenizer.decode(tokenizer.encode_text(text)) == text


@settings(max_examples=150)
@given(TEXTS)
def test_a_stream_releases_whole_characters_only(tokenizer: Tokenizer, text: str) -> None:
    stream = Detokenizer(tokenizer)
    shown = ""
    for token in tokenizer.encode_text(text):
        shown += stream.push(token)
        assert text.startswith(shown)
    assert shown + stream.finish() == text


@settings(max_examples=100)
@given(st.lists(st.integers(0, 540), max_size=30))
def test_a_stream_of_any_ids_equals_decoding_them(tiny: Tokenizer, ids: list[int]) -> None:
    stream = Detokenizer(tiny)
    pieces = [stream.push(token) for token in ids]
    assert "".join(pieces) + stream.finish() == tiny.decode(ids)


def test_a_stream_that_ends_inside_a_character_says_so(tiny: Tokenizer) -> None:
    first, *_ = tiny.encode_text("€")
    stream = Detokenizer(tiny)
    assert stream.push(first) == ""
    assert stream.mid_character
    assert stream.finish() == "\ufffd"


@settings(max_examples=150)
@given(TEXTS, st.integers(-1, 12))
def test_head_and_tail_keep_within_the_count(tokenizer: Tokenizer, text: str, most: int) -> None:
    head, tail = tokenizer.head(text, most), tokenizer.tail(text, most)
    assert text.startswith(head)
    assert text.endswith(tail)
    assert max(tokenizer.count(head), tokenizer.count(tail)) <= max(most, 0)
    if tokenizer.count(text) <= most:
        assert head == tail == text


def test_head_and_tail_of_words(llama3: Tokenizer) -> None:
    text = "one two three four"
    assert llama3.count(text) == 4
    assert llama3.head(text, 2) == "one two"
    assert llama3.tail(text, 2) == " three four"


def test_a_cut_that_splits_otherwise_is_counted_anew() -> None:
    """Here "ab" is one token only between other letters, so neither end of one token has it."""
    ids = {"abc": [2, 3], "cab": [3, 2], "ab": [0, 1], "a": [0], "b": [1]}
    pieces = {0: b"a", 1: b"b", 2: b"ab", 3: b"c", 4: b"long"}
    tokenizer = Tokenizer(Vocabulary(lambda text: ids.get(text, []), pieces, {}))
    assert tokenizer.count(tokenizer.head("abc", 1)) <= 1
    assert tokenizer.count(tokenizer.tail("cab", 1)) <= 1


def test_head_of_a_long_text_is_not_the_whole_work(llama3: Tokenizer) -> None:
    assert llama3.head("word " * 2_000_000, 3) == "word word word"
    assert llama3.tail("word " * 2_000_000, 3) == " word word "


def test_long_text_is_encoded_in_pieces_of_400000_characters(llama3: Tokenizer) -> None:
    text = "xx" + "word " * 80_001
    cut = text[:PIECE_CHARACTERS], text[PIECE_CHARACTERS:]
    assert (cut[0][-4:], cut[1][:2]) == (" wor", "d ")
    ids = llama3.encode_text(text)
    assert ids == llama3.encode_text(cut[0]) + llama3.encode_text(cut[1])
    [word] = llama3.encode_text(" word")
    assert ids.count(word) == text.count(" word") - 1


def test_lone_surrogates_become_replacement_characters(tokenizer: Tokenizer) -> None:
    assert tokenizer.decode(tokenizer.encode_text("a\ud800b")) == "a\ufffdb"


def byte_fallback_tokenizer(folder: Path) -> Tokenizer:
    """The kind of vocabulary that Llama 2 had: U+2581 for spaces, bytes for the unknown."""
    from tokenizers import Tokenizer as HuggingFace
    from tokenizers import decoders, models, normalizers

    pieces = ["<unk>", *(f"<0x{byte:02X}>" for byte in range(256)), *"▁ab", "▁a", "ab"]
    vocab = {piece: place for place, piece in enumerate(pieces)}
    tokenizer = HuggingFace(
        models.BPE(vocab, [("▁", "a"), ("a", "b")], unk_token="<unk>", byte_fallback=True)
    )
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")]
    )
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()]
    )
    tokenizer.save(str(folder / "tokenizer.json"))
    return Tokenizer.from_folder(folder)


def test_a_byte_fallback_vocabulary_is_exact_as_well(tmp_path: Path) -> None:
    tokenizer = byte_fallback_tokenizer(tmp_path)
    for text in ("ab", " ab a", "€ ab\n", "", " "):
        assert tokenizer.decode(tokenizer.encode_text(text)) == text
    assert tokenizer.count("ab") == 1


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("tokenizer.model", b"\x0a\x0e\x00\xff\xfe sentencepiece", "tokenizer.json"),
        ("tokenizer.model", b"", "incomplete"),
        ("tokenizer.json", b'{"version": "1.0"', "cannot read"),
        ("tokenizer.json", b"[]", "cannot read"),
        ("tokenizer.json", b'{"model": {"type": "BPE"}}', "tokenizer.json"),
    ],
)
def test_an_unusable_file_is_named(tmp_path: Path, name: str, content: bytes, said: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(TokenizerError, match=said) as caught:
        Tokenizer.from_folder(tmp_path)
    assert str(tmp_path / name) in str(caught.value)


def test_ranks_with_a_hole_are_refused(tmp_path: Path) -> None:
    lines = [base64.b64encode(bytes([b])) + b" %d" % b for b in range(256) if b != 200]
    (tmp_path / "tokenizer.model").write_bytes(b"\n".join(lines))
    with pytest.raises(TokenizerError, match="incomplete"):
        Tokenizer.from_folder(tmp_path)


def test_another_kind_of_vocabulary_is_refused(tmp_path: Path) -> None:
    from tokenizers import Tokenizer as HuggingFace
    from tokenizers import decoders, models

    tokenizer = HuggingFace(models.WordPiece({"[UNK]": 0}, unk_token="[UNK]"))
    tokenizer.decoder = decoders.WordPiece()
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    with pytest.raises(TokenizerError, match="WordPiece"):
        Tokenizer.from_folder(tmp_path)


def test_a_folder_without_tokenizer_is_named(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"neither tokenizer\.json nor tokenizer\.model"):
        Tokenizer.from_folder(tmp_path)
