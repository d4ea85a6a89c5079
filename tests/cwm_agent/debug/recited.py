"""A session of the engine in which the model says what it is told to."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, cast

from jumping import tokenizer

from cwm_agent.debug.frames.parse import FrameParser
from cwm_agent.debug.predict.voice import Voice
from model.engine.generation import Request, TokenLogprob, Watcher
from model.engine.session import Session
from model.step.sampler import Sampling
from model.text.traces import TraceFormat


@dataclass
class Said:
    """A finished answer, at once."""

    ids: tuple[int, ...]

    @property
    def logprobs(self) -> tuple[TokenLogprob, ...]:
        return tuple(TokenLogprob(0.0, ((one, 0.0),)) for one in self.ids)

    def result(self) -> Said:
        return self


@dataclass
class Recited:
    """In the place of `Session`; forks recite from the same text, and are kept to look at."""

    rest: list[int]
    ids: list[int] = field(default_factory=list)
    forks: list[Recited] = field(default_factory=list)

    def append(self, ids: Iterable[int]) -> None:
        self.ids += ids

    def rollback(self, length: int) -> None:
        del self.ids[length:]

    def fork(self) -> list[Recited]:
        self.forks.append(Recited(self.rest, list(self.ids)))
        return self.forks[-1:]

    def generate(self, request: Request, watcher: Watcher) -> Said:
        said: list[int] = []
        while self.rest and len(said) < request.max_tokens:
            said.append(self.rest.pop(0))
            if watcher.push(said[-1]):
                break
        self.ids += said
        return Said(tuple(said))

    def close(self) -> None:
        pass

    @property
    def session(self) -> Session:
        """As what it stands for."""
        return cast("Session", self)


def voice(frame_tokens: int = 64) -> Voice:
    """That of the bundled model that knows actions."""
    known = tokenizer()
    form = TraceFormat(known)
    own: Any = Sampling(0.0, 1.0, seed=0)
    return Voice(known, form, FrameParser(known, form), own, frame_tokens, known.size)


def ids_of(text: str) -> list[int]:
    """Tokens of a text with names of control tokens in it."""
    found: list[int] = []
    known = tokenizer().specials
    for part in text.replace("<|", "\0<|").replace("|>", "|>\0").split("\0"):
        found += [known[part]] if part in known else tokenizer().encode_text(part)
    return found
