"""Words without meaning, put into texts of training tasks.

A model that has seen every docstring and every wording often recites them
instead of reading. With words in them that nobody can foresee it has to copy
what is there, and to find the name of a function wherever it stands.
"""

from __future__ import annotations

import random

_WORDS = (
    "really", "often", "given", "busy", "plain", "old", "new", "quick", "early", "late", "main",
    "extra", "local", "public", "final", "usual", "possible", "weekly", "big", "odd", "daily",
    "people", "box", "tree", "money", "quarter", "house", "river", "paper", "music", "winter",
)  # fmt: skip
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
NOISY_DOCSTRING = 0.5
NOISY_ISSUE = 0.5
BLIND = 0.12
"""Share of the training tasks whose first wrong function says nothing about itself. There a
repair can only be tried, and what was tried already must not come again."""
_GAPS = (" ", "\n", "\n\n")
_QUOTES = '"""'


def random_word(rng: random.Random) -> str:
    """A plain word, or letters."""
    if rng.random() < 0.5:
        return rng.choice(_WORDS)
    return "".join(rng.choice(_LETTERS) for _ in range(rng.randint(2, 7)))


def noisy_docstring(source: str, rng: random.Random) -> str:
    """The function with up to four words more in its docstring."""
    before, docstring, after = source.split(_QUOTES, 2)
    words = docstring.split(" ")
    for _ in range(rng.randint(1, 4)):
        words.insert(rng.randint(1, len(words)), random_word(rng))
    return _QUOTES.join((before, " ".join(words), after))


def blind(source: str, rng: random.Random) -> str:
    """The function with nothing but words without meaning in its docstring."""
    before, _, after = source.split(_QUOTES, 2)
    words = [random_word(rng) for _ in range(rng.randint(2, 9))]
    return _QUOTES.join((before, " ".join(words).capitalize() + ".", after))


def noisy_issue(text: str, rng: random.Random) -> str:
    """The issue with a sentence before it, behind it, or both."""
    where = rng.choice(("before", "behind", "both"))
    if where != "behind":
        text = _sentence(rng) + rng.choice(_GAPS) + text
    if where != "before":
        text = text + rng.choice(_GAPS) + _sentence(rng)
    return text


def _sentence(rng: random.Random) -> str:
    words = [random_word(rng) for _ in range(rng.randint(1, 7))]
    if rng.random() < 0.3:
        words[rng.randrange(len(words))] = f"`{random_word(rng)}`"
    return " ".join(words).capitalize() + rng.choice((".", ".", ":", "!", "?"))
