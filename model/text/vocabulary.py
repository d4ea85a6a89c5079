"""Reading the two kinds of tokenizer files into one shape.

`tokenizer.json` (Hugging Face, package tokenizers) and `tokenizer.model` (byte
ranks with Llama 3's way of splitting text, package tiktoken) end up as the same
`Vocabulary`: a function from text to ids, and the bytes of every id.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from model.errors import CheckpointError, TokenizerError
from model.text.special_tokens import special_ids

# How Llama 3 cuts text before merging bytes; part of the vocabulary, as the ranks are.
_LLAMA3_SPLIT = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
_CONTROL_NAME = re.compile(r"<\|[^|\s]+\|>")
_BYTE_PIECE = re.compile(r"<0x([0-9A-F]{2})>")


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """`encode` never yields an id of `specials`; `pieces` holds the bytes of the ordinary ids."""

    encode: Callable[[str], list[int]]
    pieces: Mapping[int, bytes]
    specials: Mapping[str, int]


def tokenizer_file(folder: Path) -> Path:
    """The tokenizer of a checkpoint folder; `tokenizer.json` is preferred.

    Raises CheckpointError when there is none.
    """
    for name in ("tokenizer.json", "tokenizer.model"):
        if (path := folder / name).is_file():
            return path
    raise CheckpointError(
        f"{folder} holds neither tokenizer.json nor tokenizer.model; "
        "download the tokenizer of the checkpoint"
    )


def read_vocabulary(folder: Path) -> Vocabulary:
    """Read a checkpoint folder's `tokenizer_file`; raises TokenizerError when it cannot be used."""
    path = tokenizer_file(folder)
    return _from_json(path) if path.suffix == ".json" else _from_ranks(path)


def _from_ranks(path: Path) -> Vocabulary:
    """A file with one `base64-of-bytes rank` a line."""
    import tiktoken

    ranks: dict[bytes, int] = {}
    try:
        for line in path.read_bytes().splitlines():
            piece, rank = line.split()
            ranks[base64.b64decode(piece, validate=True)] = int(rank)
    except (OSError, ValueError, binascii.Error) as error:
        raise TokenizerError(
            f"{path} is not a list of byte ranks ({error}); "
            "a SentencePiece model needs its tokenizer.json instead"
        ) from error
    if sorted(ranks.values()) != list(range(len(ranks))) or len(ranks) < 256:
        raise TokenizerError(f"{path} is incomplete ({len(ranks)} ranks); download it again")
    specials = special_ids(len(ranks))
    encoding = tiktoken.Encoding(
        path.name, pat_str=_LLAMA3_SPLIT, mergeable_ranks=ranks, special_tokens=specials
    )
    pieces = {rank: piece for piece, rank in ranks.items()}
    return Vocabulary(encoding.encode_ordinary, pieces, specials)


def _from_json(path: Path) -> Vocabulary:
    from tokenizers import Tokenizer

    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
        specials = _mark_specials(raw)
        _drop_prefix_space(raw)
        tokenizer = Tokenizer.from_str(json.dumps(raw))
    # The package raises bare Exception for whatever it cannot parse.
    except Exception as error:
        raise TokenizerError(f"cannot read {path}: {error}; download the file again") from error
    tokenizer.no_padding()
    tokenizer.no_truncation()
    tokenizer.encode_special_tokens = True  # in text, a control token's name is mere text
    to_bytes = _piece_decoder(raw.get("decoder"), path)
    ordinary = {
        token: piece
        for piece, token in tokenizer.get_vocab(with_added_tokens=True).items()
        if piece not in specials
    }

    def encode(text: str) -> list[int]:
        ids: list[int] = tokenizer.encode(text, add_special_tokens=False).ids
        return ids

    added = {token["id"]: token["content"].encode() for token in raw.get("added_tokens", ())}
    pieces = {token: added.get(token) or to_bytes(piece) for token, piece in ordinary.items()}
    return Vocabulary(encode, pieces, specials)


def _mark_specials(raw: dict[str, Any]) -> dict[str, int]:
    """Name -> id of the control tokens, each of them flagged special in `raw`.

    Some exports forget the flag; without it, user text could contain the token.
    """
    specials: dict[str, int] = {}
    for token in raw.get("added_tokens") or []:
        token["special"] = token["special"] or bool(_CONTROL_NAME.fullmatch(token["content"]))
        if token["special"]:
            specials[token["content"]] = token["id"]
    return specials


def _drop_prefix_space(raw: dict[str, Any]) -> None:
    """Switch off the space that SentencePiece vocabularies put before every text.

    A conversation is encoded part by part; the space would appear at each joint.
    """
    for key in ("normalizer", "pre_tokenizer"):
        step = raw.get(key) or {}
        for inner in step.get("normalizers", step.get("pretokenizers", [step])):
            if inner.get("type") == "Metaspace":
                inner["prepend_scheme"] = "never"
            if inner.get("type") == "Prepend":
                inner["prepend"] = ""


def _piece_decoder(decoder: object, path: Path) -> Callable[[str], bytes]:
    """How a vocabulary entry becomes bytes, by the kinds of decoder the file names."""
    steps = decoder.get("decoders", [decoder]) if isinstance(decoder, dict) else []
    kinds = {step.get("type") for step in steps if isinstance(step, dict)}
    if "ByteLevel" in kinds:
        alphabet = _byte_alphabet()
        return lambda piece: bytes(alphabet[symbol] for symbol in piece)
    if "ByteFallback" in kinds:
        return _fallback_bytes
    raise TokenizerError(
        f"{path} uses the decoder {sorted(map(str, kinds))}; only byte-level and "
        "byte-fallback vocabularies are supported, as CWM and Llama models have them"
    )


def _fallback_bytes(piece: str) -> bytes:
    """Piece of a SentencePiece vocabulary: `<0x0A>` is a byte, U+2581 is a space."""
    if byte := _BYTE_PIECE.fullmatch(piece):
        return bytes([int(byte[1], 16)])
    return piece.replace("\u2581", " ").encode()


def _byte_alphabet() -> dict[str, int]:
    """Symbol -> byte of byte-level vocabularies (GPT-2).

    Printable bytes of Latin-1 stand for themselves; the others, in order, are
    written as the code points from 256 on.
    """
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    hidden = [byte for byte in range(256) if byte not in printable]
    symbols = {chr(byte): byte for byte in printable}
    return symbols | {chr(256 + place): byte for place, byte in enumerate(hidden)}
