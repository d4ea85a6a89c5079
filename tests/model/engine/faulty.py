"""Sessions whose callbacks fail, beside healthy ones."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass

from engines import tiny_config, tiny_engine, tiny_weights

from model.engine.engine import Engine
from model.engine.generation import Generation, Request
from model.engine.prompt_lookup import DraftSettings
from model.engine.session import Session
from model.step.sampler import Sampling
from model.text.stops import IdWatcher

WARM = Sampling(temperature=1.0, top_p=0.9, seed=3)
TOKENS = 14
PROMPT = [5, 6, 7, 8, 9, 10] * 4  # repeats, so that there are drafts


def engine_of() -> Engine:
    config = tiny_config(16)
    return tiny_engine(config, tiny_weights(config), speculation=DraftSettings(ngram=2))


@dataclass
class Bad(IdWatcher):
    """Fails by `error` in the call number `at` of one of its functions, else it is harmless."""

    where: str
    at: int
    error: BaseException
    calls: int = 0

    def __post_init__(self) -> None:
        super().__init__()

    def _call(self, where: str) -> None:
        if where == self.where:
            self.calls += 1
            if self.calls > self.at:
                raise self.error

    @property
    def thinking(self) -> bool:
        self._call("thinking")
        return False

    def push(self, token: int) -> bool:
        self._call("push")
        return super().push(token)

    def finish(self) -> str:
        self._call("finish")
        return ""

    def on_token(self, token: int) -> None:
        self._call("on_token")

    def mask(self, ids: Sequence[int]) -> None:
        self._call("mask")


def begin(session: Session, bad: Bad | None = None, tokens: int = TOKENS) -> Future[Generation]:
    session.append(PROMPT)
    if bad is None:
        return session.generate(Request(tokens, WARM), IdWatcher())
    return session.generate(Request(tokens, WARM, mask=bad.mask), bad, bad.on_token)


def alone(stream: int) -> tuple[int, ...]:
    engine = engine_of()
    future = begin(Session(engine, stream=stream))
    engine.run_until_idle()
    return future.result(0).ids
