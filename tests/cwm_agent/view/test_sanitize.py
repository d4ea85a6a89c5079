"""Nothing that a model or a repository prints may control the viewer's terminal."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cwm_agent.view.sanitize import clean, clean_line

JOINERS = {"\u200c", "\u200d"}  # part of ordinary words and emoji


@given(st.text(st.characters(exclude_categories=())))
def test_no_control_or_format_character_passes(text: str) -> None:
    for character in clean(text):
        if character not in {"\n", "\t"} | JOINERS:
            category = unicodedata.category(character)
            assert category not in {"Cc", "Cf", "Cs", "Zl", "Zp"}, hex(ord(character))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b[2J\x1b[H", "␛[2J␛[H"),
        ("\x1b]0;title\x07", "␛]0;title␇"),
        ("\x1b]52;c;cm0gLXJm\x1b\\", "␛]52;c;cm0gLXJm␛\\"),
        ("\x1b\x1b[31m[2J", "␛[2J"),  # dropping the colour must not make a new sequence
        ("\x9b2J", "<U+009B>2J"),
        ("10%\r20%", "10%␍20%"),
        ("dos\r\nline", "dos\nline"),
        ("if admin\u202e \u2066", "if admin<U+202E> <U+2066>"),
        ("bad \udcff name", "bad <U+DCFF> name"),
        ("tab\tand\nline stay", "tab\tand\nline stay"),
        ("ünïcode 👩\u200d🔬 漢字", "ünïcode 👩\u200d🔬 漢字"),
    ],
)
def test_what_is_shown(text: str, shown: str) -> None:
    assert clean(text) == shown


def test_a_line_stays_one_line() -> None:
    assert clean_line("a\nb\tc") == "a␊b␉c"
