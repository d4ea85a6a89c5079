"""Conversations in a checkpoint's own chat format, and the choice between it and CWM's."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from model.errors import TokenizerError
from model.text import special_tokens as names
from model.text.chat import THINK_PREFIX, ChatFormat, ChatMessage
from model.text.chat_frames import Frames, frames_of, read_template
from model.text.tokenizer import Tokenizer


class Chat(Protocol):
    """How messages become token ids; see `ChatFormat` for each."""

    @property
    def thinking(self) -> bool:
        """Whether answers begin inside a thought."""

    @property
    def stop_ids(self) -> frozenset[int]:
        """Ids that end an answer."""

    def continuation(self, messages: Sequence[ChatMessage], *, last_id: int | None) -> list[int]:
        """Ids to append for new messages and the header of the next answer."""

    def answer(self, text: str, *, finished: bool) -> list[int]:
        """Ids of an answer known only as text."""


def open_chat(
    folder: Path,
    tokenizer: Tokenizer,
    *,
    thinking: bool = True,
    bos_id: int | None = None,
    eos_ids: Sequence[int] = (),
) -> Chat:
    """The format of a checkpoint folder: CWM's (which is Llama 3's), or that of its template.

    Raises TokenizerError with the reason where its template cannot be used.
    """
    found = read_template(folder)
    if found is None or names.START_HEADER in found[0]:
        return ChatFormat(tokenizer, thinking=thinking, bos_id=bos_id, eos_ids=eos_ids)
    return TemplateChat(tokenizer, frames_of(*found), thinking=thinking, eos_ids=eos_ids)


class TemplateChat:
    """Renders with the frames of a template; a `Chat`.

    Text between two control tokens is encoded as one, as a whole conversation
    would be, so ids are those of transformers' `apply_chat_template`, except
    that the name of a control token in a message stays text. Raises
    TokenizerError when no control token ends an answer.
    """

    def __init__(
        self,
        tokenizer: Tokenizer,
        frames: Frames,
        *,
        thinking: bool = True,
        eos_ids: Sequence[int] = (),
    ) -> None:
        self.thinking = thinking
        self._tokenizer = tokenizer
        self._frames = frames
        longest_first = sorted(tokenizer.specials, key=len, reverse=True)
        self._control = re.compile("|".join(map(re.escape, longest_first)) or "(?!)")
        after = frames.later["assistant"].after
        end = self._control.search(after)
        if end is None:
            raise TokenizerError(
                f"the chat template of this checkpoint ends an answer with {after!r}, which is no "
                "control token of its tokenizer; use the tokenizer that belongs to the template"
            )
        self._end_id = tokenizer.special(end[0])
        self._closing, self._rest = after[: end.end()], after[end.end() :]
        self.stop_ids = frozenset(eos_ids) | {self._end_id}

    def continuation(self, messages: Sequence[ChatMessage], *, last_id: int | None) -> list[int]:
        """See Chat."""
        parts = _Parts(self._tokenizer, self._control)
        if last_id is not None:
            parts.control("" if last_id == self._end_id else self._closing)
            parts.control(self._rest)
        for number, message in enumerate(messages):
            frame = self._frames.of(message.role, first=last_id is None and number == 0)
            parts.control(frame.before)
            parts.text(message.body.strip() if frame.trims else message.body)
            parts.control(frame.after)
        parts.control(self._frames.answer)
        parts.text(THINK_PREFIX if self.thinking else "")
        return parts.ids()

    def answer(self, text: str, *, finished: bool) -> list[int]:
        """See Chat."""
        parts = _Parts(self._tokenizer, self._control)
        parts.text(text.rstrip() if finished else text)
        parts.control(self._closing if finished else "")
        return parts.ids()


class _Parts:
    """Puts ids together; what is said between two control tokens is encoded in one piece."""

    def __init__(self, tokenizer: Tokenizer, control: re.Pattern[str]) -> None:
        self._tokenizer = tokenizer
        self._control = control
        self._ids: list[int] = []
        self._open = ""

    def text(self, text: str) -> None:
        """Ordinary text, whatever it says."""
        self._open += text

    def control(self, text: str) -> None:
        """Text of the template, whose control tokens are meant."""
        at = 0
        for found in self._control.finditer(text):
            self._open += text[at : found.start()]
            self._flush()
            self._ids.append(self._tokenizer.special(found[0]))
            at = found.end()
        self._open += text[at:]

    def ids(self) -> list[int]:
        """All of it."""
        self._flush()
        return self._ids

    def _flush(self) -> None:
        self._ids += self._tokenizer.encode_text(self._open)
        self._open = ""
