"""Frames read back from token ids, however malformed they are."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from model.text.traces import Encoder, Frame, TraceFormat


class Codec(Encoder, Protocol):
    """What is needed of a tokenizer."""

    @property
    def specials(self) -> Mapping[str, int]:
        """Name -> id of all control tokens."""

    def decode(self, ids: Iterable[int], *, specials: bool = False) -> str:
        """Text of ids."""


@dataclass(frozen=True, slots=True)
class Read:
    """One frame as far as it could be read.

    `frame` is None where there is none: at the end of the trace (`ended`), or
    where event or line are missing. `problems` says what is not as it should be.
    """

    frame: Frame | None
    problems: tuple[str, ...] = ()
    ended: bool = False


@dataclass(frozen=True, slots=True)
class ReadTrace:
    """All frames of an answer. `cut`: neither the end of the trace nor of its last frame came."""

    frames: tuple[Frame, ...]
    problems: tuple[str, ...]
    ended: bool
    cut: bool


class FrameParser:
    """Reads what `TraceFormat` writes: read(frame(f)) gives f."""

    def __init__(self, codec: Codec, form: TraceFormat) -> None:
        self._codec = codec
        self._form = form
        self._events = {token: event for event, token in form.event_ids.items()}
        self._controls = frozenset(codec.specials.values())

    def read(self, ids: Sequence[int]) -> Read:
        """One frame, with or without the separator that closes it."""
        form = self._form
        if ids and ids[0] == form.end_id:
            return Read(None, ended=True)
        body = list(ids)
        problems = []
        if body and body[-1] == form.frame_sep_id:
            body.pop()
        else:
            problems.append("the frame is not closed: the answer was cut")
        if not body or body[0] not in self._events:
            said = self._codec.decode(body[:12], specials=True)
            return Read(None, (*problems, f"no frame begins with {said!r}"))
        event, body = self._events[body[0]], body[1:]
        if form.action_sep_id not in body:
            return Read(None, (*problems, f"the {event} frame has no source line"))
        at = body.index(form.action_sep_id)
        before, after = body[:at], body[at + 1 :]
        if event in ("call", "line"):
            written, wrong = read_locals(self._text(before, problems))
            line = self._text(after, problems)
            frame = Frame(event, _line(line), written)
        else:
            wrong = ["there are locals where none belong"] if before else []
            value = ""
            if form.arg_sep_id in after:
                place = after.index(form.arg_sep_id)
                after, rest = after[:place], after[place + 1 :]
                value, unread = read_value(self._text(rest, problems))
                wrong += unread
            else:
                wrong.append(f"the {event} frame has no value")
            frame = Frame(event, _line(self._text(after, problems)), value=value)
        return Read(frame, (*problems, *wrong))

    def read_all(self, ids: Sequence[int]) -> ReadTrace:
        """All frames of an answer; what cannot be read is left out and said."""
        frames: list[Frame] = []
        problems: list[str] = []
        start = 0
        ids = list(ids)
        while start < len(ids):
            sep = self._form.frame_sep_id
            end = ids.index(sep, start) + 1 if sep in ids[start:] else len(ids)
            read = self.read(ids[start:end])
            problems += read.problems
            if read.ended:
                return ReadTrace(tuple(frames), tuple(problems), ended=True, cut=False)
            if read.frame is not None:
                frames.append(read.frame)
            start = end
        cut = not ids or ids[-1] != self._form.frame_sep_id
        return ReadTrace(tuple(frames), tuple(problems), ended=False, cut=cut)

    def _text(self, ids: list[int], problems: list[str]) -> str:
        return read_text(self._codec, self._controls, ids, problems)


def read_text(
    codec: Codec, controls: Collection[int], ids: Sequence[int], problems: list[str]
) -> str:
    """The text of ids; control tokens among them are a problem."""
    stray = [token for token in ids if token in controls]
    if stray:
        names = codec.decode(stray[:3], specials=True)
        problems.append(f"control tokens inside a text: {names}")
    return codec.decode(ids)


def _line(text: str) -> str:
    return text.removesuffix("\n")


def read_locals(text: str) -> tuple[tuple[tuple[str, str], ...], list[str]]:
    """Names and written values, and what is wrong with them."""
    try:
        found = json.loads(text, strict=False)
    except (ValueError, RecursionError):
        return (), [f"the locals are no JSON: {_short(text)}"]
    if not isinstance(found, dict):
        return (), [f"the locals are no JSON object: {_short(text)}"]
    wrong = [name for name, value in found.items() if not isinstance(value, str)]
    problems = [f"the value of {name} is not a JSON string" for name in wrong]
    pairs = (
        (name, value if isinstance(value, str) else json.dumps(value))
        for name, value in found.items()
    )
    return tuple(pairs), problems


def read_value(text: str) -> tuple[str, list[str]]:
    """A written result, and what is wrong with it; one that is no JSON string stays as it is."""
    try:
        found = json.loads(text, strict=False)
    except (ValueError, RecursionError):
        return text, [f"the value is no JSON: {_short(text)}"]
    if not isinstance(found, str):
        return text, [f"the value is no JSON string: {_short(text)}"]
    return found, []


def _short(text: str) -> str:
    return repr(text if len(text) <= 60 else f"{text[:57]}...")
