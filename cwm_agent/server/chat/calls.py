"""One call in the making: its body comes as text, its arguments go out as JSON."""

from __future__ import annotations

import json
import secrets

from cwm_agent.server.chat.stop_texts import overlap
from cwm_agent.server.chat.toolset import Tool
from cwm_agent.server.chat.turns import CallArguments, CallBegun, Delta
from tools.parsing import CLOSE


class CallReader:
    """Reads from behind the opening tag, which was written as `opening`.

    Where the form allows it, arguments go out while the body still comes.
    """

    def __init__(self, tool: Tool, opening: str) -> None:
        self._tool = tool
        self._opening = opening
        self._body = ""
        self._after = ""
        self._sent = -1  # characters of the text that is told live; -1: not begun
        self.complete = False
        self.unparsed = False

    def push(self, text: str) -> tuple[list[Delta], bool]:
        """Take more text: what is certain now, and whether the call is closed."""
        self._body += text
        body, mark, after = self._body.partition(CLOSE)
        if mark:
            self._body, self._after = body, mark
            return [], True
        held = max(overlap(body, f"\n{CLOSE}"), overlap(body, CLOSE))
        return self._live(body[: len(body) - held]), False

    def end(self, *, whole: bool) -> tuple[list[Delta], str]:
        """The rest of the call, or, where it says nothing, all of it as text.

        `whole`: it was closed, or the model ended its answer without closing it.
        """
        body = self._body.removesuffix("\n") if self._after else self._body
        deltas = self._live(body)
        if self._sent >= 0:
            if whole:
                ending, sound = self._tool.form.ending(body)
                self.complete, self.unparsed = True, not sound
                deltas.append(CallArguments(ending))
            return deltas, ""
        arguments = self._tool.form.arguments(body) if whole else None
        written = None if arguments is None else _json(arguments)
        if written is None:
            self.unparsed = True
            return [], f"{self._opening}{self._body}{self._after}"
        self.complete = True
        return [self._begun(), CallArguments(written)], ""

    def _live(self, body: str) -> list[Delta]:
        """What of the body is new, where its form can be told before its end."""
        known = self._tool.form.prefix(body)
        if known is None:
            return []
        before, text = known
        deltas: list[Delta] = []
        if self._sent < 0:
            self._sent = 0
            deltas += [self._begun(), CallArguments(before)]
        if fresh := text[self._sent :]:
            self._sent = len(text)
            deltas.append(CallArguments(json.dumps(fresh, ensure_ascii=False)[1:-1]))
        return deltas

    def _begun(self) -> CallBegun:
        return CallBegun(f"call_{secrets.token_hex(12)}", self._tool.definition.name)


def _json(arguments: dict[str, object]) -> str | None:
    """JSON text of arguments, None for what JSON has no words for."""
    try:
        text = json.dumps(arguments, ensure_ascii=False, allow_nan=False)
    except (ValueError, RecursionError):
        return None
    # Half of a pair of surrogates can be escaped, but not sent.
    return text if text.isascii() or _sendable(text) else json.dumps(arguments)


def _sendable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
