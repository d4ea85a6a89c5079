"""An answer that comes in pieces from a server, judged by the same rules as our own engine's."""

from __future__ import annotations

from cwm_agent.policies.dialogue import Dialogue
from cwm_agent.policies.endpoint.completions import Piece
from envs.environment import ReplyLimits
from results.records import Finish

FINISHES: dict[str, Finish] = {"stop": "stop", "length": "length"}


class Answer:
    """Takes pieces until `finish` says that it is over.

    Ends are found here and not by the server's stop texts, which would end a
    thought about the word. Ids are what the server says. Where it says only
    text, the text is encoded at the end, so a text that broke off is worth
    nothing and is begun anew; ids that broke off are gone on from.
    """

    def __init__(self, dialogue: Dialogue, limits: ReplyLimits) -> None:
        self.finish: Finish | None = None
        self.cached_tokens = 0
        self.ended_here = False
        """It is over by our rules: the server does not know yet."""
        self._dialogue = dialogue
        self._limits = limits
        self._watcher = dialogue.watcher(limits)
        self._ids: list[int] = []
        self._only_text = False

    @property
    def so_far(self) -> tuple[int, ...]:
        """Ids to go on from."""
        return tuple(self._ids)

    @property
    def room(self) -> int:
        """Tokens that may still come."""
        return self._limits.max_tokens - len(self._ids)

    def take(self, piece: Piece) -> int:
        """The next piece; returns how many tokens of it count."""
        if piece.ids is None and piece.text:
            self._only_text = True
        if piece.cached_tokens is not None:
            self.cached_tokens = piece.cached_tokens
        tokens = piece.ids
        if tokens is None:
            tokens = tuple(self._dialogue.tokenizer.encode_text(piece.text))
        for taken, token in enumerate(tokens, start=1):
            self._ids.append(token)
            if self._watcher.push(token):
                self.finish = "stop"
            elif self.room <= 0:
                self.finish = "length"
            if self.finish is not None:
                self.ended_here = piece.finish is None
                return taken
        if piece.finish is not None:
            self.finish = FINISHES.get(piece.finish)
        return len(tokens)

    def break_off(self) -> bool:
        """The rest has to come from somewhere else; returns whether anything is kept."""
        if self._only_text:
            self._ids.clear()
            self._watcher = self._dialogue.watcher(self._limits)
        return bool(self._ids)

    def result(self) -> tuple[str, tuple[int, ...]]:
        """Its text and its ids; call once."""
        text = self._watcher.finish()
        if self._only_text:
            ids = self._dialogue.chat.answer(text, finished=self.finish == "stop")
            return text, tuple(ids)
        return text, tuple(self._ids)
