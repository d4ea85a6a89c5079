"""Texts of token ids, by the tokenizer of the checkpoint that a run names."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from cwm_agent.policies import bundled
from cwm_agent.view.app.tabs.tokens import Decode
from cwm_agent.view.sources.runs import RunSource
from cwm_agent.view.sources.source import Several, Source
from model.errors import ModelError
from model.text.tokenizer import Tokenizer
from results.errors import ResultsError


def decoder_of(source: Source) -> Decode | None:
    """By the first run's model; read when it is first asked. None where no model is named."""
    first = source.parts[0] if isinstance(source, Several) else source
    if not isinstance(first, RunSource):
        return None
    try:
        record = first.run.info().settings.get("model")
    except ResultsError:
        return None
    named = record.value if record else None
    if not isinstance(named, str):
        return None
    folder = bundled.folder() if named == bundled.NAME else Path(named).expanduser()
    return lambda token: _decode(folder, token)


def _decode(folder: Path, token: int) -> tuple[str, bool]:
    tokenizer = _tokenizer(folder)
    if tokenizer is None:
        return f"{token} ", False
    shown = tokenizer.token_bytes(token, specials=True)
    control = token in _controls(folder)
    return shown.decode("utf-8", "backslashreplace"), control


@lru_cache(maxsize=2)
def _tokenizer(folder: Path) -> Tokenizer | None:
    try:
        return Tokenizer.from_folder(folder)
    except (ModelError, OSError, ValueError):
        return None


@lru_cache(maxsize=2)
def _controls(folder: Path) -> frozenset[int]:
    tokenizer = _tokenizer(folder)
    return frozenset(tokenizer.specials.values()) if tokenizer else frozenset()
