"""The stream is read right however the bytes are cut."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from envs.shell.framing import Demultiplexer, HeadTail, Records, UntilMark, UntilToken

TOKEN = b"abcabd"
NEAR_TOKEN = st.lists(st.sampled_from([b"a", b"b", b"c", b"d", b"abcab", b"\0", b"x"])).map(
    b"".join
)


@st.composite
def cut(draw: st.DrawFn, data: bytes) -> list[bytes]:
    """`data` in pieces, possibly empty ones."""
    places = sorted(draw(st.lists(st.integers(0, len(data)), max_size=8)))
    return [data[a:b] for a, b in zip([0, *places], [*places, len(data)], strict=True)]


@given(st.data(), NEAR_TOKEN, NEAR_TOKEN)
def test_the_token_ends_the_output_wherever_it_is_cut(
    data: st.DataObject, output: bytes, behind: bytes
) -> None:
    stream = output + TOKEN + behind
    before, _, after = stream.partition(TOKEN)
    scanner = UntilToken(TOKEN)
    passed = b"".join(scanner.feed(piece) for piece in data.draw(cut(stream)))
    assert (passed, scanner.found, scanner.rest) == (before, True, after)


@given(st.data(), NEAR_TOKEN)
def test_without_a_token_nothing_is_lost(data: st.DataObject, output: bytes) -> None:
    if TOKEN in output:
        return
    scanner = UntilToken(TOKEN)
    passed = b"".join(scanner.feed(piece) for piece in data.draw(cut(output)))
    assert passed + scanner.flush() == output
    assert not scanner.found


@given(st.data(), st.binary(max_size=60), st.integers(0, 40))
def test_head_and_tail_are_kept_and_the_middle_is_counted(
    data: st.DataObject, output: bytes, limit: int
) -> None:
    kept = HeadTail(limit)
    for piece in data.draw(cut(output)):
        kept.feed(piece)
    head, tail = limit - limit // 2, limit // 2
    whole = len(output) <= limit
    expected = output if whole else output[:head] + output[len(output) - tail :]
    assert kept.value() == expected
    assert kept.dropped == len(output) - len(expected)


@given(st.data(), st.lists(st.binary(min_size=1, max_size=9).map(lambda b: b.replace(b"\0", b"n"))))
def test_records_are_cut_at_nul_bytes(data: st.DataObject, records: list[bytes]) -> None:
    stream = b"".join(b"\0" + record + b"\0" for record in records)
    reader = Records()
    assert [r for piece in data.draw(cut(stream)) for r in reader.feed(piece)] == records


def test_an_endless_record_is_not_kept_in_memory() -> None:
    reader = Records(limit=10)
    for _ in range(100):
        reader.feed(b"x" * 1000)
    assert reader.feed(b"end\0") == [b"x" * 10 + b"end"]


@given(st.data(), st.lists(st.tuples(st.integers(0, 2), st.binary(max_size=20))))
def test_frames_are_taken_apart(data: st.DataObject, frames: list[tuple[int, bytes]]) -> None:
    stream = b"".join(
        bytes([number, 0, 0, 0]) + len(body).to_bytes(4, "big") + body for number, body in frames
    )
    reader = Demultiplexer()
    pieces = [p for piece in data.draw(cut(stream)) for p in reader.feed(piece)]
    for channel in range(3):
        expected = b"".join(body for number, body in frames if number == channel)
        assert b"".join(body for number, body in pieces if number == channel) == expected


MARKS = st.lists(
    st.sampled_from([b"a", b"b", TOKEN, TOKEN + b"12", TOKEN + b"99", b"\0", b"x"])
).map(b"".join)


@given(st.data(), MARKS, MARKS)
def test_only_the_mark_that_is_accepted_ends_the_output(
    data: st.DataObject, output: bytes, behind: bytes
) -> None:
    stream = output + TOKEN + b"12" + behind
    expected, _, after = stream.partition(TOKEN + b"12")
    scanner, passed = UntilMark(TOKEN, 2), b""
    for piece in data.draw(cut(stream)):
        passed += scanner.feed(piece)
        while scanner.mark is not None:
            if scanner.mark == b"12":
                scanner.accept()
            else:
                passed += scanner.refuse()
    assert (passed, scanner.found, scanner.rest) == (expected, True, after)
