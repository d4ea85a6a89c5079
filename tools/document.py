"""A text file taken apart so that an edit changes nothing but the lines it names.

Line endings (also mixed ones), a byte order mark, the encoding and a missing
final newline all survive, because each is kept beside the lines.
"""

from __future__ import annotations

import codecs
import io
import tokenize
from dataclasses import dataclass, replace

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16: its mark begins with the same bytes
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


@dataclass(frozen=True, slots=True)
class Document:
    """`lines` without endings and `ends` between them, so `len(ends) == len(lines) - 1`.

    A file that ends in a newline has an empty last line.
    """

    lines: tuple[str, ...]
    ends: tuple[str, ...]
    encoding: str = "utf-8"
    mark: bytes = b""

    @classmethod
    def from_bytes(cls, data: bytes) -> Document:
        """Decode; `Document.from_bytes(data).to_bytes() == data` for every `data`."""
        mark, encoding = next(
            ((mark, name) for mark, name in _MARKS if data.startswith(mark)), (b"", "")
        )
        body = data[len(mark) :]
        if encoding and _survives(body, encoding):
            return cls(*_split(body.decode(encoding)), encoding, mark)
        guess = next(name for name in _guesses(data) if _survives(data, name))
        return cls(*_split(data.decode(guess)), guess)

    @classmethod
    def from_utf8(cls, data: bytes) -> Document:
        """As UTF-8, a byte order mark being text of line 1; raises UnicodeDecodeError."""
        return cls(*_split(data.decode("utf-8")))

    def to_bytes(self) -> bytes:
        """Encode again; raises UnicodeEncodeError when a new line does not fit the encoding."""
        parts = [self.lines[0]]
        for end, line in zip(self.ends, self.lines[1:], strict=True):
            parts += (end, line)
        return self.mark + "".join(parts).encode(self.encoding)

    def with_unix_endings(self) -> Document:
        """The same text as a reader in universal-newline mode sees it."""
        text = "\n".join(self.lines).replace("\r", "\n")
        lines, ends = _split(text)
        return replace(self, lines=lines, ends=ends)

    def replace_lines(self, start: int, count: int, new: tuple[str, ...]) -> Document:
        """Put `new` in place of `count` lines from index `start`.

        New lines take the endings of those they replace, further ones the
        ending nearby. Removing lines removes one ending for each.
        """
        stop = start + count
        lines = self.lines[:start] + new + self.lines[stop:]
        if not lines:
            return replace(self, lines=("",), ends=())
        inner = self.ends[start : stop - 1]
        if new:
            nearby = (*inner, *self.ends[stop - 1 : stop], *self.ends[start - 1 : start], "\n")[0]
            wanted = len(new) - 1
            between = (inner + (nearby,) * wanted)[:wanted]
            return replace(
                self,
                lines=lines,
                ends=self.ends[:start] + between + self.ends[max(stop - 1, start) :],
            )
        if stop < len(self.lines):
            return replace(self, lines=lines, ends=self.ends[:start] + self.ends[stop:])
        return replace(self, lines=lines, ends=self.ends[: start - 1])


def _split(text: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    raw = text.split("\n")
    ends = tuple("\r\n" if line.endswith("\r") else "\n" for line in raw[:-1])
    lines = tuple(line.removesuffix("\r") for line in raw[:-1])
    return (*lines, raw[-1]), ends


def _survives(data: bytes, encoding: str) -> bool:
    try:
        return data.decode(encoding).encode(encoding) == data
    except (UnicodeError, LookupError):
        return False


def _guesses(data: bytes) -> list[str]:
    """UTF-8, then what a Python source declares (PEP 263), then Latin-1, which takes any byte."""
    try:
        declared, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
    except SyntaxError:
        declared = "utf-8"
    return ["utf-8", declared, "latin-1"]
