"""Text to token ids and back, byte-exact, without surprises from control tokens."""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Mapping
from pathlib import Path

from model.errors import TokenizerError
from model.text.vocabulary import Vocabulary, read_vocabulary

# The original tokenizer cuts longer text into pieces of this many characters
# before encoding; ids of such text depend on it.
PIECE_CHARACTERS = 400_000

_UNKNOWN = "\ufffd".encode()


class Tokenizer:
    """One vocabulary; counts and cuts text in its tokens as well. `longest`: bytes of a token."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._encode = vocabulary.encode
        self._pieces = vocabulary.pieces
        self._specials = vocabulary.specials
        self._names = {token: name for name, token in vocabulary.specials.items()}
        self.longest = max((len(piece) for piece in vocabulary.pieces.values()), default=1)
        self.size = 1 + max([*vocabulary.pieces, *self._names])

    @classmethod
    def from_folder(cls, folder: Path) -> Tokenizer:
        """Read `tokenizer.json` or `tokenizer.model`; see `model.text.vocabulary` for errors."""
        return cls(read_vocabulary(folder))

    def encode_text(self, text: str) -> list[int]:
        """Ids of ordinary text; the name of a control token in it stays text.

        Lone surrogates, which no encoding can express, become U+FFFD.
        """
        clean = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        return [
            token
            for start in range(0, len(clean), PIECE_CHARACTERS)
            for token in self._encode(clean[start : start + PIECE_CHARACTERS])
        ]

    def special(self, name: str) -> int:
        """Id of a control token; raises TokenizerError when the vocabulary has none."""
        token = self.find_special(name)
        if token is None:
            raise TokenizerError(
                f"the tokenizer has no control token {name}; use the tokenizer of a CWM checkpoint"
            )
        return token

    @property
    def specials(self) -> Mapping[str, int]:
        """Name -> id of all control tokens."""
        return self._specials

    def find_special(self, name: str) -> int | None:
        """Id of a control token, or None."""
        return self._specials.get(name)

    def token_bytes(self, token: int, *, specials: bool = False) -> bytes:
        """Bytes that an id stands for; a control token is nothing, or its name.

        An id without a meaning (models may have more rows than tokens) is U+FFFD.
        """
        if name := self._names.get(token):
            return name.encode() if specials else b""
        return self._pieces.get(token, _UNKNOWN)

    def decode(self, ids: Iterable[int], *, specials: bool = False) -> str:
        """Text of ids; invalid UTF-8 becomes U+FFFD. `specials` shows control tokens by name."""
        joined = b"".join(self.token_bytes(token, specials=specials) for token in ids)
        return joined.decode("utf-8", errors="replace")

    def count(self, text: str) -> int:
        """How many tokens `text` takes."""
        return len(self.encode_text(text))

    def head(self, text: str, tokens: int) -> str:
        """The longest beginning of at most `tokens` tokens that cuts no character."""
        # No token is longer than `longest` bytes, so the rest need not be encoded.
        ids = self.encode_text(text[: max(tokens, 0) * self.longest])
        for kept in range(min(max(tokens, 0), len(ids)), 0, -1):
            beginning = self._bytes(ids[:kept]).decode("utf-8", errors="ignore")
            # A cut can change how the last word splits, and so the count.
            if text.startswith(beginning) and self.count(beginning) <= tokens:
                return beginning
        return ""

    def tail(self, text: str, tokens: int) -> str:
        """The longest ending of at most `tokens` tokens that cuts no character."""
        reach = max(tokens, 0) * self.longest
        ids = self.encode_text(text[-reach:] if reach else "")
        for kept in range(min(max(tokens, 0), len(ids)), 0, -1):
            ending = self._bytes(ids[-kept:]).decode("utf-8", errors="ignore")
            if text.endswith(ending) and self.count(ending) <= tokens:
                return ending
        return ""

    def _bytes(self, ids: list[int]) -> bytes:
        return b"".join(map(self.token_bytes, ids))


class Detokenizer:
    """Turns a stream of ids into text, releasing whole characters only.

    The pieces joined equal `Tokenizer.decode` of all ids.
    """

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")

    def push(self, token: int, *, specials: bool = False) -> str:
        """Text that is complete after this token, possibly empty; a control token by name."""
        return self._decoder.decode(self._tokenizer.token_bytes(token, specials=specials))

    @property
    def mid_character(self) -> bool:
        """Whether the bytes so far end inside a character."""
        return bool(self._decoder.getstate()[0])

    def finish(self) -> str:
        """What is left: U+FFFD when the stream ended inside a character."""
        return self._decoder.decode(b"", final=True)
