"""What differs from the built-in settings when the bundled tiny model speaks."""

from __future__ import annotations

from pathlib import Path

import model.nano

NAME = "nano"
ORIGIN = "bundled model nano"

SETTINGS: dict[str, object] = {
    "model": NAME,
    "prompt_pack": NAME,
    "sampling.temperature": 0.0,
    "limits.turns": 24,
    "limits.context_tokens": 2048,
    "limits.action_tokens": 256,
}
"""It knows one prompt pack, short conversations, and is at its best when greedy."""


def folder() -> Path:
    """The checkpoint folder inside the package."""
    return Path(model.nano.__file__).parent
