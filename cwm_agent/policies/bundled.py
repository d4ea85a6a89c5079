"""What differs from the built-in settings when the bundled tiny model speaks."""

from __future__ import annotations

from pathlib import Path

import model.nano
import model.nano.debugger

NAME = "nano"
ORIGIN = "bundled model nano"
NOTE = (
    "model nano, bundled and tiny, in this process: it knows small generated repositories "
    "and little else; name a checkpoint with --model for real work"
)

SETTINGS: dict[str, object] = {
    "model": NAME,
    "prompt_pack": NAME,
    "sampling.temperature": 0.0,
    "sampling.temperatures": (0.0, 0.8, 1.0, 1.2, 1.4, 1.6, 1.2, 1.4, 1.0),
    "scaling.tests": 0,
    "limits.turns": 16,
    "limits.context_tokens": 2048,
    "limits.action_tokens": 512,
}
"""It knows one prompt pack, short conversations, and is at its best when greedy."""


def folder() -> Path:
    """The checkpoint folder inside the package."""
    return Path(model.nano.__file__).parent


def debugger_folder() -> Path:
    """The checkpoint folder of the bundled model that predicts executions."""
    return Path(model.nano.debugger.__file__).parent


def is_bundled(path: Path) -> bool:
    """Whether a checkpoint folder is one of those inside the package."""
    return path.resolve() in (folder().resolve(), debugger_folder().resolve())
