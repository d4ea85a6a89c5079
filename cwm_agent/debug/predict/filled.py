"""Locals and values of which some are certain: these are said, the others are sampled in between.

A tokenizer may join what is certain with what is not, so certain text is only
forced as far as its tokens are the same whatever follows; the rest of it is
left to the model under a mask that lets it say nothing else.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Protocol

import torch
from torch import Tensor

from cwm_agent.debug.frames.confidence import Piece, least
from cwm_agent.debug.predict.voice import Voice

if TYPE_CHECKING:
    from model.engine.generation import TokenMask, Watcher
    from model.text.tokenizer import Tokenizer

_VALUES = ("..", "[1", "5", "'a", "True", "-1", "{'")
"""How values begin, to find out which tokens stand before whatever they are."""


class Pen(Protocol):
    """What is needed of `decode.Writer`."""

    voice: Voice

    def force(self, ids: Sequence[int]) -> None:
        """Say what is certain."""

    def write(self, watcher: Watcher, mask: TokenMask | None) -> list[Piece]:
        """Sample until the watcher ends it."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a text is in LEAD, a JSON string without its first quote, TAIL.

    `lead` is what must still come before the string, None inside of it; `tail`
    what may follow it; `after` how much of that was said, None before its end.
    """

    lead: str | None
    tail: str
    escaped: bool = False
    after: int | None = None

    def went(self, text: str) -> Place | None:
        """The place after more text, None where this text cannot come."""
        lead, escaped, after = self.lead, self.escaped, self.after
        for character in text:
            if after is not None:
                if self.tail[after : after + 1] != character:
                    return None
                after += 1
            elif lead:
                if lead[0] != character:
                    return None
                lead = lead[1:]
            elif escaped:
                escaped = False
            elif character == "\\":
                escaped = True
            elif character == '"':
                after = 0
            elif character < " ":
                return None
        return Place(lead or None, self.tail, escaped, after)


@lru_cache(4)
def _texts(tokenizer: Tokenizer, vocabulary: int) -> tuple[str, ...]:
    """The text of each token; control tokens, and ids without one, are empty."""
    control = set(tokenizer.specials.values())
    return tuple(
        "" if token in control else tokenizer.decode([token]) for token in range(vocabulary)
    )


@lru_cache(256)
def _mask(tokenizer: Tokenizer, vocabulary: int, place: Place) -> Tensor:
    texts = _texts(tokenizer, vocabulary)
    return torch.tensor([bool(text) and place.went(text) is not None for text in texts])


class _Value:
    """Mask and watcher of one sampled value."""

    def __init__(self, voice: Voice, start: Place) -> None:
        self._voice = voice
        self._start = start
        self._said = ""

    def _now(self, text: str) -> Place:
        place = self._start.went(text)
        assert place is not None  # the mask let nothing else through
        return place

    def mask(self, ids: Sequence[int]) -> Tensor:
        """What may follow these tokens of the answer."""
        text = "".join(self._voice.tokenizer.decode([token]) for token in ids)
        return _mask(self._voice.tokenizer, self._voice.vocabulary, self._now(text))

    @property
    def thinking(self) -> bool:
        """Frames know no thinking."""
        return False

    @property
    def after(self) -> int | None:
        """How much of the tail was said, None as long as the value has not ended."""
        return self._now(self._said).after

    def push(self, token: int) -> bool:
        """Whether the value is complete."""
        self._said += self._voice.tokenizer.decode([token])
        return self.after is not None

    def finish(self) -> str:
        """The text is read elsewhere."""
        return ""


def write_locals(
    pen: Pen, names: Sequence[str], values: Mapping[str, str]
) -> dict[str, float] | None:
    """Say a JSON object of all `names`, of which `values` has some; how sure each is.

    None when a sampled value does not end.
    """
    sure: dict[str, float] = {}
    waiting = "{"
    for number, name in enumerate(names, 1):
        last = number == len(names)
        key = json.dumps(name)
        waiting = waiting + (key[1:] if waiting.endswith('"') or not waiting else key) + ": "
        tail = "}" if last else ', "'
        if name in values:
            waiting += json.dumps(values[name]) + tail
            sure[name] = 1.0
            continue
        lead = _force_stable(pen, waiting)
        value = _Value(pen.voice, Place(lead or None, tail))
        pieces = pen.write(value, value.mask)
        if value.after is None:
            return None
        sure[name] = least(pieces)
        waiting = tail[value.after :]
        if last and not waiting:
            return sure
    pen.force(pen.voice.tokenizer.encode_text(waiting if names else "{}"))
    return sure


def write_value(pen: Pen, value: str) -> None:
    """Say a certain result."""
    pen.force(pen.voice.tokenizer.encode_text(json.dumps(value)))


def _force_stable(pen: Pen, text: str) -> str:
    """Say the tokens of `text` that are the same whatever value follows.

    What of the text, and of the quote after it, is not said then.
    """
    encode: Callable[[str], list[int]] = pen.voice.tokenizer.encode_text
    ways = [encode(f'{text}"{value}') for value in _VALUES]
    same = 0
    while all(same < len(way) and way[same] == ways[0][same] for way in ways):
        same += 1
    said = pen.voice.tokenizer.decode(ways[0][:same])
    whole = f'{text}"'
    while same and not whole.startswith(said):
        same -= 1
        said = pen.voice.tokenizer.decode(ways[0][:same])
    if same:
        pen.force(ways[0][:same])
    return whole[len(said) :]
