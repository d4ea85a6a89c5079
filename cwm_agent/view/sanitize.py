"""Makes text from a model or a repository harmless for a terminal.

What a command printed may move the cursor, set the window title, write to the
clipboard or turn the direction of writing around. Colours are dropped; every
other control character becomes a visible mark, so nothing hides.
"""

from __future__ import annotations

import re

_COLOUR = re.compile(r"\x1b\[[0-9;:]*m")
_UNSAFE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # control characters but tab and newline
    "\u00ad\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u180e"  # invisible format characters
    "\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"  # ... and directions
    "\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    "\U000e0001-\U000e007f"  # tags
    "\ud800-\udfff]"  # surrogates, which no encoding can write
)


def _mark(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code < 0x20:
        return chr(0x2400 + code)  # the Unicode pictures of control characters, such as "␛"
    return "␡" if code == 0x7F else f"<U+{code:04X}>"


def clean(text: str) -> str:
    """`text` without colours and with visible marks for control characters; keeps \\n and \\t."""
    return _UNSAFE.sub(_mark, _COLOUR.sub("", text.replace("\r\n", "\n")))


def clean_line(text: str) -> str:
    """The same for a place that holds one line: newlines and tabs become marks too."""
    return clean(text).replace("\n", "␊").replace("\t", "␉")
