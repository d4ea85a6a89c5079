"""Frames of an execution trace, and how CWM writes them as tokens.

Prompt:  <|begin_of_text|><|trace_context_start|>SOURCE<|frame_sep|>
Frames:  EVENT_SEP LOCALS? <|action_sep|> SOURCE_LINE (<|arg_sep|> VALUE)? <|frame_sep|>

LOCALS (call and line) is a JSON object of written values, `..` for one that did
not change; VALUE (return and exception) is a JSON string. After the last frame
stands <|end_of_text|>. Source: the prompting guide of facebookresearch/cwm.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from model.text.special_tokens import BEGIN_OF_TEXT, END_OF_TEXT

Event = Literal["call", "line", "return", "exception"]

UNCHANGED = ".."
"""A local whose value is the one last shown."""
START_MARK = "  # << START_OF_TRACE"
"""Ends the `def` line of the function whose execution is predicted."""
FRAME_SEP = "<|frame_sep|>"
_EVENT_TOKENS: dict[Event, str] = {
    "call": "<|call_sep|>",
    "line": "<|line_sep|>",
    "return": "<|return_sep|>",
    "exception": "<|exception_sep|>",
}


@dataclass(frozen=True, slots=True)
class Frame:
    """One step. `locals` (call, line) maps names to written values, `value` (return, exception)
    is the written result; `line` is the source line without its newline."""

    event: Event
    line: str
    locals: tuple[tuple[str, str], ...] = ()
    value: str = ""

    def texts(self) -> list[str]:
        """The parts that are ordinary text."""
        if self.event in ("call", "line"):
            return [json.dumps(dict(self.locals)), self.line]
        return [self.line, json.dumps(self.value)]


class Encoder(Protocol):
    """What is needed of a tokenizer."""

    def encode_text(self, text: str) -> list[int]:
        """Ids of ordinary text."""

    def special(self, name: str) -> int:
        """The id of a control token; raises TokenizerError."""


class TraceFormat:
    """Writes prompts and frames as ids of one tokenizer; raises TokenizerError when it lacks
    the control tokens. With `newline` a source line keeps its newline, as in CWM's own traces."""

    def __init__(self, tokenizer: Encoder, *, newline: bool = False) -> None:
        self._tokenizer = tokenizer
        self._newline = "\n" if newline else ""
        self.frame_sep_id = tokenizer.special(FRAME_SEP)
        self.action_sep_id = tokenizer.special("<|action_sep|>")
        self.arg_sep_id = tokenizer.special("<|arg_sep|>")
        self.end_id = tokenizer.special(END_OF_TEXT)
        self.event_ids: dict[Event, int] = {
            event: tokenizer.special(name) for event, name in _EVENT_TOKENS.items()
        }

    def prompt(self, source: str) -> list[int]:
        """Everything before the first frame."""
        special = self._tokenizer.special
        start = [special(BEGIN_OF_TEXT), special("<|trace_context_start|>")]
        return [*start, *self._tokenizer.encode_text(source), self.frame_sep_id]

    def frame(self, frame: Frame) -> list[int]:
        """One frame with the separator that closes it."""
        line = self.line(frame.line)
        if frame.event in ("call", "line"):
            written = self._tokenizer.encode_text(json.dumps(dict(frame.locals)))
            body = [*written, self.action_sep_id, *line]
        else:
            value = self._tokenizer.encode_text(json.dumps(frame.value))
            body = [self.action_sep_id, *line, self.arg_sep_id, *value]
        return [self.event_ids[frame.event], *body, self.frame_sep_id]

    def line(self, text: str) -> list[int]:
        """A source line as it stands in a frame."""
        return self._tokenizer.encode_text(text + self._newline)

    def frames(self, frames: Sequence[Frame]) -> list[int]:
        """All frames and the end of the trace."""
        ids = [token for frame in frames for token in self.frame(frame)]
        return [*ids, self.end_id]
