"""What the model says, piece by piece, divided into thought, text and calls.

A client never sees part of a mark: what may become `</think>`, an opening tag, a
closing tag or a stop text is held back until it is known. So what is told, put
together, does not depend on where one piece ends and the next begins.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

from cwm_agent.server.chat.calls import CallReader
from cwm_agent.server.chat.stop_texts import StopTexts, overlap
from cwm_agent.server.chat.toolset import Tool, ToolSet
from cwm_agent.server.chat.turns import Delta, Said, Thought
from model.text.chat import THINK_CLOSE

# All parts are bounded, so that what is held back is, too.
_OPENING = re.compile(r"<tool:[ \t]{0,8}([^\s<>]{1,128})[ \t]{0,8}>[ \t]{0,8}\n")
_BEGUN = re.compile(
    r"<(?:t(?:o(?:o(?:l(?::[ \t]{0,8}(?:[^\s<>]{1,128}[ \t]{0,8}(?:>[ \t]{0,8})?)?)?)?)?)?)?\Z"
)


class Channels:
    """Follows one answer, which begins inside a thought with `thinking`.

    Blanks around a thought and before the text are left out; with `fresh` False
    the text goes on from something, so its blanks count. `stops` count after
    the thought.
    """

    def __init__(
        self, tools: ToolSet, *, thinking: bool, fresh: bool = True, stops: Sequence[str] = ()
    ) -> None:
        self.unparsed = False
        """A call went out as text, or without some of its arguments: its body is malformed."""
        self.called = False
        """The answer ends with a complete call."""
        self._tools = tools
        self._stops = StopTexts(stops)
        self._phase: Literal["thought", "text", "call", "over"] = "thought" if thinking else "text"
        self._bare = fresh  # nothing but blanks came in this phase
        self._held = ""
        self._call: CallReader | None = None
        self._gap = ""

    @property
    def thinking(self) -> bool:
        """Whether the thought is still going on."""
        return self._phase == "thought"

    @property
    def stopped(self) -> str | None:
        """The stop text that was met."""
        return self._stops.met

    def push(self, text: str) -> list[Delta]:
        """Take more text; what is certain now."""
        if self._phase == "thought":
            return self._think(text)
        return self._act(self._stops.push(text))

    def finish(self, *, whole: bool) -> list[Delta]:
        """What was held back. `whole`: the model ended its answer itself."""
        if self._phase == "thought":
            rest = self._held[: len(self._held) - overlap(self._held, THINK_CLOSE)]
            return self._thought(rest.rstrip())
        deltas = self._act(self._stops.finish())
        if self._phase == "call":
            return deltas + self._end_call(whole=whole and self.stopped is None)
        return deltas + self._said(self._held)

    def _think(self, text: str) -> list[Delta]:
        thought, mark, rest = (self._held + text).partition(THINK_CLOSE)
        if mark:
            told = self._thought(thought.rstrip())
            self._phase, self._bare, self._held = "text", True, ""
            return told + self._act(self._stops.push(rest))
        kept = len(thought[: len(thought) - overlap(thought, THINK_CLOSE)].rstrip())
        self._held = thought[kept:]
        return self._thought(thought[:kept])

    def _thought(self, text: str) -> list[Delta]:
        text = text.lstrip() if self._bare else text
        self._bare = self._bare and not text
        return [Thought(text)] if text else []

    def _act(self, text: str) -> list[Delta]:
        if self._phase == "text":
            return self._speak(text)
        if self._phase == "over" or self._call is None:
            return []
        deltas, closed = self._call.push(text)
        return deltas + self._end_call(whole=True) if closed else deltas

    def _speak(self, text: str) -> list[Delta]:
        self._held += text
        if self._bare:
            self._held = self._held.lstrip()
        found = self._opening()
        if found is not None:
            tool, start, end = found
            before = self._held[:start].rstrip()
            self._gap = self._held[len(before) : start]
            opening, rest = self._held[start:end], self._held[end:]
            told = self._said(before)
            self._phase, self._call, self._held = "call", CallReader(tool, opening), ""
            return told + self._act(rest)
        begun = _BEGUN.search(self._held) if self._tools else None
        certain = self._held[: begun.start()] if begun else self._held
        kept = len(certain.rstrip())
        sure, self._held = self._held[:kept], self._held[kept:]
        return self._said(sure)

    def _opening(self) -> tuple[Tool, int, int] | None:
        for found in _OPENING.finditer(self._held):
            tool = self._tools.by_own_name.get(found[1])
            if tool is not None:
                return tool, found.start(), found.end()
        return None

    def _said(self, text: str) -> list[Delta]:
        self._bare = self._bare and not text
        return [Said(text)] if text else []

    def _end_call(self, *, whole: bool) -> list[Delta]:
        """Nothing follows a call; what was to be one and is none is text."""
        assert self._call is not None
        deltas, text = self._call.end(whole=whole)
        self.called, self._phase, self._held = self._call.complete, "over", ""
        self.unparsed = self._call.unparsed
        if not text:
            return deltas
        return deltas + self._said(text if self._bare else self._gap + text)
