"""The policy that runs a checkpoint in this process."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from cwm_agent.policies.dialogue import Dialogue
from cwm_agent.policies.policy import Question
from envs.environment import Meter, ReplyLimits
from results.records import Event, Graded, Message, Odds, Reply

if TYPE_CHECKING:  # torch is loaded when a policy is made, not when the command line starts
    from model.checkpoint.quantize import Quantization
    from model.engine.build import EngineOptions
    from model.engine.generation import TokenLogprob
    from model.engine.session import Session
    from model.stats import EngineStats
    from model.step.sampler import Sampling
    from model.text.chat_template import Chat
    from model.text.tokenizer import Tokenizer


class EmbeddedPolicy:
    """A checkpoint folder as a policy; conversations share its weights.

    `device`, `dtype` and `quantize` as in `model.checkpoint.open.open_checkpoint`, whose errors
    it raises. `sampling` None means the published setting, `engine` None its
    defaults. `thinking` starts every answer with the thinking prefix. `logprobs` asks for the
    odds of the tokens, with so many of the likeliest.
    """

    def __init__(
        self,
        folder: Path,
        *,
        device: str = "auto",
        dtype: str = "auto",
        quantize: Quantization = "none",
        sampling: Sampling | None = None,
        engine: EngineOptions | None = None,
        thinking: bool = True,
        logprobs: int | None = None,
    ) -> None:
        from model.checkpoint.open import open_checkpoint
        from model.engine.build import build_engine
        from model.step.sampler import PUBLISHED
        from model.text.chat_template import open_chat

        self.folder = folder
        self._logprobs = logprobs
        self._sampling = PUBLISHED if sampling is None else sampling
        files = open_checkpoint(folder, device=device, dtype=dtype, quantize=quantize)
        config = files.config
        self.tokenizer = files.tokenizer
        self.vocabulary = config.vocabulary
        self._format = open_chat(
            folder,
            files.tokenizer,
            thinking=thinking,
            bos_id=config.bos_id,
            eos_ids=config.eos_ids,
        )
        self.engine = build_engine(config, files.source, engine)
        self.engine.start()

    @property
    def name(self) -> str:
        """`embedded:` and the folder's name."""
        return f"embedded:{self.folder.resolve().name}"

    @property
    def meter(self) -> Meter:
        """The checkpoint's tokenizer."""
        return self.tokenizer

    def load(self) -> EngineStats:
        """What the engine has done and does now."""
        return self.engine.load()

    def open(self, *, seed: int, temperature: float | None = None) -> EmbeddedConversation:
        """A new conversation: one session of the engine."""
        from model.engine.session import Session

        sampling = replace(self._sampling.at(temperature), seed=seed)
        session = Session(self.engine)
        return EmbeddedConversation(self.tokenizer, self._format, session, sampling, self._logprobs)

    def close(self) -> None:
        """Stop the engine; running replies end as cancelled."""
        self.engine.close()


class EmbeddedConversation:
    """One dialogue. Its context is exactly the ids it was given and has sampled."""

    def __init__(
        self,
        tokenizer: Tokenizer,
        chat: Chat,
        session: Session,
        sampling: Sampling,
        logprobs: int | None = None,
    ) -> None:
        self._logprobs = logprobs
        self._sampling = sampling
        self._session = session
        self._dialogue = Dialogue(tokenizer, chat, session.append)

    def observe(self, messages: Sequence[Message]) -> tuple[int, ...]:
        """Append messages and the header of the next answer; returns all ids appended."""
        return self._dialogue.observe(messages)

    def reply(self, limits: ReplyLimits) -> Reply:
        """The next assistant message, or the rest of one that was cut."""
        from model.engine.generation import Request

        began = time.monotonic()
        request = Request(limits.max_tokens, self._sampling, logprobs=self._logprobs)
        generation = self._session.generate(request, self._dialogue.watcher(limits)).result()
        self._dialogue.answered(generation.text, generation.ids)
        return Reply(
            text=generation.text,
            ids=generation.ids,
            finish=generation.finish,
            prompt_tokens=generation.prompt_tokens,
            cached_tokens=generation.cached,
            context_tokens=generation.prompt_tokens + len(generation.ids),
            seconds=time.monotonic() - began,
            odds=odds_of(generation.logprobs),
        )

    def grade(self, question: Question) -> Graded:
        """See Gradable: a twin shares the keys and values, so only the question is computed."""
        from model.engine.generation import Request
        from model.step.sampler import GREEDY

        dialogue, vocabulary = self._dialogue, self._session.vocabulary
        prompt, first = dialogue.question(question.text, question.prefix, question.scale)
        known = len(self._session.ids)
        (twin,) = self._session.fork()
        try:
            twin.append(prompt)
            request = Request(1, GREEDY, logprobs=vocabulary)
            answer = twin.generate(request, dialogue.watcher(ReplyLimits(1))).result()
        finally:
            twin.close()
        assert answer.logprobs is not None
        told = dict(answer.logprobs[0].top)
        return Graded(
            scale=question.scale,
            logprobs=tuple(told[token] for token in first),
            context_tokens=known,
            question_tokens=len(prompt),
            cached_tokens=answer.cached,
        )

    def restore(self, events: Sequence[Event]) -> None:
        """Append what the journal recorded; see Dialogue.restore."""
        self._dialogue.restore(events)

    def cancel(self) -> None:
        """End a running `reply`; if none runs, the next one ends at once."""
        self._session.cancel()

    def close(self) -> None:
        """Free keys and values."""
        self._session.close()


def odds_of(found: Sequence[TokenLogprob] | None) -> Odds | None:
    """As a journal keeps them: four decimals are more than a shade needs."""
    if found is None:
        return None
    return Odds(
        tuple(None if one.logprob is None else round(one.logprob, 4) for one in found),
        tuple(tuple(token for token, _ in one.top) for one in found),
        tuple(tuple(round(value, 4) for _, value in one.top) for one in found),
    )
