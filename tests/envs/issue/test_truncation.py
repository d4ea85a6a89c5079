"""Cut text fits, and holds the ends it promises."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from envs.issue.truncation import MARK, keep_both_ends, keep_head, keep_tail


class Words:
    """Up to three characters of one word, or one blank, are a token; pieces do not add up."""

    def count(self, text: str) -> int:
        runs = text.replace("\n", " ").split(" ")
        return sum(-(-len(run) // 3) for run in runs) + len(runs) - 1

    def head(self, text: str, tokens: int) -> str:
        end = len(text)
        while end and self.count(text[:end]) > tokens:
            end -= 1
        return text[:end] if tokens > 0 else ""

    def tail(self, text: str, tokens: int) -> str:
        start = 0
        while start < len(text) and self.count(text[start:]) > tokens:
            start += 1
        return text[start:] if tokens > 0 else ""


TEXT = st.text(alphabet="ab c\n", max_size=120)
ROOM = st.integers(min_value=0, max_value=60)


@given(TEXT, ROOM)
def test_every_cut_fits(text: str, tokens: int) -> None:
    meter = Words()
    for cut in (
        keep_head(text, tokens, meter),
        keep_tail(text, tokens, meter),
        keep_both_ends(text, tokens, meter, "(cut)"),
    ):
        assert meter.count(cut) <= tokens or cut == ""
        if meter.count(text) <= tokens:
            assert cut == text


@given(TEXT, st.integers(min_value=12, max_value=60))
def test_a_cut_keeps_its_ends(text: str, tokens: int) -> None:
    meter = Words()
    if meter.count(text) <= tokens:
        return
    head = keep_head(text, tokens, meter)
    assert head.endswith(MARK)
    assert text.startswith(head.removesuffix(MARK))
    tail = keep_tail(text, tokens, meter)
    assert tail.startswith(MARK)
    assert text.endswith(tail.removeprefix(MARK))
    first, note, last = keep_both_ends(text, tokens, meter, "(cut)").partition("\n(cut)\n")
    assert note
    assert text.startswith(first)
    assert text.endswith(last)
    assert first
    assert last
