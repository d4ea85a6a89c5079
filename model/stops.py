"""When an answer is over, judged on its ids and on its text."""

from __future__ import annotations

from collections.abc import Collection

from model.chat import THINK_CLOSE
from model.tokenizer import Detokenizer, Tokenizer

TOOL_CLOSE = "</tool>"


class StopWatcher:
    """Follows one answer token by token and keeps its text.

    It stops at any of `stop_ids` and, when asked, after the end of a tool call.
    A tool call counts only outside thinking: with `thinking`, after the first
    `</think>`. It never stops inside a character. `earlier` is the text of an
    answer that is being continued.
    """

    def __init__(
        self,
        tokenizer: Tokenizer,
        *,
        stop_ids: Collection[int],
        after_tool_call: bool,
        thinking: bool,
        earlier: str = "",
    ) -> None:
        self._detokenizer = Detokenizer(tokenizer)
        self._stop_ids = stop_ids
        self._awaited = [THINK_CLOSE, TOOL_CLOSE] if thinking else [TOOL_CLOSE]
        self._after_tool_call = after_tool_call
        self._unmatched = ""
        self._pieces: list[str] = []
        self._call_ended(earlier)

    def push(self, token: int) -> bool:
        """Take the next token; True when the answer ends with it."""
        piece = self._detokenizer.push(token)
        self._pieces.append(piece)
        if token in self._stop_ids:
            return True
        return (
            self._after_tool_call
            and self._call_ended(piece)
            and not self._detokenizer.mid_character
        )

    def finish(self) -> str:
        """The text of all tokens pushed; call once."""
        self._pieces.append(self._detokenizer.finish())
        return "".join(self._pieces)

    def _call_ended(self, piece: str) -> bool:
        """Look for the awaited texts, one after the other; True once all were seen."""
        self._unmatched += piece
        while self._awaited and (place := self._unmatched.find(self._awaited[0])) >= 0:
            self._unmatched = self._unmatched[place + len(self._awaited.pop(0)) :]
        # Of what was searched, only the beginning of an awaited text can still matter.
        keep = len(self._awaited[0]) - 1 if self._awaited else 0
        self._unmatched = self._unmatched[-keep:] if keep else ""
        return not self._awaited
