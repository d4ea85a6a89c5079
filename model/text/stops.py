"""When an answer is over, judged on its ids and on its text.

An answer has two channels: thinking, up to the first `</think>`, and what
follows it. A stop text counts only in the channel it was given for, so that a
thought about the word does not end the answer.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from model.text.chat import THINK_CLOSE
from model.text.tokenizer import Detokenizer, Tokenizer

TOOL_CLOSE = "</tool>"


@dataclass(frozen=True, slots=True)
class StopRules:
    """What ends an answer: any of `ids`; any of `texts` after thinking, `thinking_texts` in it.

    `after_tool_call` adds the end of a tool call to `texts`.
    """

    ids: Collection[int] = ()
    texts: tuple[str, ...] = ()
    thinking_texts: tuple[str, ...] = ()
    after_tool_call: bool = False


class IdWatcher:
    """Stops at ids alone, for callers that have no use for text."""

    def __init__(self, stop_ids: Collection[int] = ()) -> None:
        self._stop_ids = stop_ids

    @property
    def thinking(self) -> bool:
        """Without text there is no channel."""
        return False

    def push(self, token: int) -> bool:
        """True for a stop id."""
        return token in self._stop_ids

    def finish(self) -> str:
        """No text."""
        return ""


class StopWatcher:
    """Follows one answer token by token and keeps its text.

    With `thinking` the answer starts inside a thought. It never stops inside a
    character. `earlier` is the text of an answer that is being continued.
    With `specials` control tokens, but for those that end it, are in the text by name.
    """

    def __init__(
        self,
        tokenizer: Tokenizer,
        rules: StopRules,
        *,
        thinking: bool,
        earlier: str = "",
        specials: bool = False,
    ) -> None:
        self._detokenizer = Detokenizer(tokenizer)
        self._rules = rules
        self._specials = specials
        self._texts = (*rules.texts, TOOL_CLOSE) if rules.after_tool_call else rules.texts
        self._thinking = thinking
        self._unmatched = ""
        self._pieces: list[str] = []
        self._ended_by_text = False
        self._search(earlier)

    @property
    def thinking(self) -> bool:
        """Whether `</think>` is still to come."""
        return self._thinking

    def push(self, token: int) -> bool:
        """Take the next token; True when the answer ends with it."""
        shown = self._specials and token not in self._rules.ids
        piece = self._detokenizer.push(token, specials=shown)
        self._pieces.append(piece)
        self._ended_by_text = self._search(piece) or self._ended_by_text
        if token in self._rules.ids:
            return True
        return self._ended_by_text and not self._detokenizer.mid_character

    def finish(self) -> str:
        """The text of all tokens pushed; call once."""
        self._pieces.append(self._detokenizer.finish())
        return "".join(self._pieces)

    def _search(self, piece: str) -> bool:
        """Look for the texts of the present channel in what came last; True when one is there."""
        self._unmatched += piece
        while True:
            wanted = (*self._rules.thinking_texts, THINK_CLOSE) if self._thinking else self._texts
            found = [(place, text) for text in wanted if (place := self._unmatched.find(text)) >= 0]
            if not found:
                break
            place, text = min(found)
            if not self._thinking or text != THINK_CLOSE:
                return True
            self._thinking = False
            self._unmatched = self._unmatched[place + len(THINK_CLOSE) :]
        # Of what was searched, only the beginning of a wanted text can still matter.
        keep = max((len(text) for text in wanted), default=1) - 1
        self._unmatched = self._unmatched[-keep:] if keep else ""
        return False
