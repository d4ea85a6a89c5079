"""What a person types, as a query of SQLite's FTS5."""

from __future__ import annotations


def phrase_of(words: str) -> str:
    """What was typed as a phrase of FTS5, the last word open; "" where it holds no word."""
    if not any(character.isalnum() for character in words):
        return ""
    return '"' + words.replace('"', '""').replace("\0", " ") + '" *'
