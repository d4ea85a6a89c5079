"""Files taken apart and put together again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.document import Document


@given(st.binary(max_size=80))
def test_every_file_survives(data: bytes) -> None:
    assert Document.from_bytes(data).to_bytes() == data


@pytest.mark.parametrize(
    ("data", "encoding", "lines"),
    [
        ("é\n".encode(), "utf-8", ("é", "")),
        (b"\xef\xbb\xbfa\r\nb", "utf-8", ("a", "b")),
        ("\ufeffé\n".encode("utf-16-le"), "utf-16-le", ("é", "")),
        (b"# -*- coding: koi8-r -*-\n\xc1\n", "koi8-r", ("# -*- coding: koi8-r -*-", "а", "")),
        (b"caf\xe9\n", "latin-1", ("café", "")),
        (b"", "utf-8", ("",)),
    ],
)
def test_encodings_are_recognised(data: bytes, encoding: str, lines: tuple[str, ...]) -> None:
    document = Document.from_bytes(data)
    assert (document.encoding, document.lines) == (encoding, lines)


LINES = st.lists(st.text(alphabet="ab", max_size=3), min_size=1, max_size=8)
ENDS = st.lists(st.sampled_from(["\n", "\r\n"]), min_size=8, max_size=8)


@given(LINES, ENDS, st.data())
def test_bytes_outside_the_replaced_lines_stay(
    lines: list[str], ends: list[str], data: st.DataObject
) -> None:
    document = Document(tuple(lines), tuple(ends[: len(lines) - 1]))
    start = data.draw(st.integers(0, len(lines) - 1))
    count = data.draw(st.integers(1, len(lines) - start))
    new = tuple(data.draw(st.lists(st.text(alphabet="xy", max_size=3), max_size=4)))
    edited = document.replace_lines(start, count, new)
    assert len(edited.ends) == len(edited.lines) - 1
    before = "".join(x + e for x, e in zip(lines[:start], document.ends, strict=False))
    after = "".join(
        e + x
        for e, x in zip(document.ends[start + count - 1 :], lines[start + count :], strict=True)
    )
    result = edited.to_bytes().decode()
    if new:
        assert result.startswith(before)
        assert result.endswith(after)
        middle = result[len(before) : len(result) - len(after)]
        assert middle.replace("\r\n", "\n").split("\n") == list(new)
    elif after:
        assert result == before + after.removeprefix(document.ends[start + count - 1])
    else:
        assert result == before.removesuffix(document.ends[start - 1]) if start else result == ""
