"""The policy that asks OpenAI-compatible servers; several URLs serve the same model."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from cwm_agent.policies.dialogue import Dialogue
from cwm_agent.policies.endpoint.answer import Answer
from cwm_agent.policies.endpoint.asking import Asking
from cwm_agent.policies.endpoint.background import Background
from cwm_agent.policies.endpoint.client import Asker, Timeouts
from cwm_agent.policies.endpoint.completions import Completion, CompletionsApi, Piece
from cwm_agent.policies.endpoint.connections import open_client
from envs.environment import Meter, ReplyLimits
from model.stats import EngineStats
from results.records import Event, Message, Reply

if TYPE_CHECKING:  # torch is loaded when a policy is made, not when the command line starts
    from model.step.sampler import Sampling
    from model.text.chat_template import Chat
    from model.text.tokenizer import Tokenizer


class EndpointPolicy:
    """A model behind one or several URLs.

    `folder` holds its tokenizer and configuration, no weights; `model` is the
    name that the servers know it by, None for the first that each lists.
    Raises EndpointError when no server answers, RefusedError when one has no
    such model, and ModelError for a bad folder.
    """

    def __init__(
        self,
        urls: Sequence[str],
        folder: Path,
        *,
        sampling: Sampling,
        model: str | None = None,
        timeouts: Timeouts | None = None,
        api_key: str | None = None,
        thinking: bool = True,
    ) -> None:
        from model.checkpoint.layouts import read_shape, with_token_ids
        from model.text.chat_template import open_chat
        from model.text.tokenizer import Tokenizer

        self._tokenizer = Tokenizer.from_folder(folder)
        config = with_token_ids(read_shape(folder), self._tokenizer)
        self._chat = open_chat(
            folder,
            self._tokenizer,
            thinking=thinking,
            bos_id=config.bos_id,
            eos_ids=config.eos_ids,
        )
        self._sampling = sampling
        timeouts = timeouts or Timeouts()
        api = CompletionsApi(open_client(urls, timeouts.silence, api_key))
        self._asker = Asker(api, urls, model, timeouts)
        self._background = Background("endpoints")
        try:
            self._background.begin(self._asker.meet()).result()
        except BaseException:
            self.close()
            raise
        contexts = (server.context for server in self._asker.servers.all)
        self.context_tokens = min([config.context, *filter(None, contexts)])

    @property
    def name(self) -> str:
        """`endpoint:` and the name of the model."""
        return f"endpoint:{next(s.model for s in self._asker.servers.all if s.model)}"

    @property
    def meter(self) -> Meter:
        """The tokenizer of the folder."""
        return self._tokenizer

    def loads(self) -> Mapping[str, EngineStats]:
        """What every server does for this process, by URL."""
        return {server.url: server.load() for server in self._asker.servers.all}

    def open(self, *, seed: int, temperature: float | None = None) -> EndpointConversation:
        """A new conversation; it finds its server with its first reply."""
        sampling = self._sampling.at(temperature)
        return EndpointConversation(
            self._tokenizer, self._chat, self._asker, self._background, sampling, seed
        )

    def close(self) -> None:
        """End what runs, as cancelled, and all connections."""
        self._background.close(self._asker.close())


class EndpointConversation:
    """One dialogue. Its context is exactly the ids it was given and was answered."""

    def __init__(
        self,
        tokenizer: Tokenizer,
        chat: Chat,
        asker: Asker[Completion, Piece],
        background: Background,
        sampling: Sampling,
        seed: int,
    ) -> None:
        self._sampling = sampling
        self._seed = seed
        self._ids: list[int] = []
        self._dialogue = Dialogue(tokenizer, chat, self._ids.extend)
        self._asking = Asking(asker, background)

    def observe(self, messages: Sequence[Message]) -> tuple[int, ...]:
        """Append messages and the header of the next answer; returns all ids appended."""
        return self._dialogue.observe(messages)

    def reply(self, limits: ReplyLimits) -> Reply:
        """The next assistant message, or the rest of one that was cut.

        Raises EndpointError when no server answers, RefusedError when one will not.
        """
        began, prompt = time.monotonic(), len(self._ids)
        answer = Answer(self._dialogue, limits)
        if not self._asking.fill(answer, lambda: self._rest_of(answer)):
            return Reply("", finish="cancelled", prompt_tokens=prompt, context_tokens=prompt)
        assert answer.finish is not None
        text, ids = answer.result()
        self._ids += ids
        self._dialogue.answered(text, ids)
        return Reply(
            text=text,
            ids=ids,
            finish=answer.finish,
            prompt_tokens=prompt,
            cached_tokens=answer.cached_tokens,
            context_tokens=len(self._ids),
            seconds=time.monotonic() - began,
        )

    def _rest_of(self, answer: Answer) -> Completion:
        """What is left to ask for: everything, or the rest of an answer that broke off."""
        from model.step.sampler import uniform

        prompt = (*self._ids, *answer.so_far)
        return Completion(
            prompt=prompt,
            max_tokens=answer.room,
            temperature=self._sampling.temperature,
            top_p=self._sampling.top_p,
            # Servers draw the same numbers for the same seed: each reply needs its own.
            seed=int(uniform(self._seed, 0, len(prompt)) * 2**31),
            stop_ids=sorted(self._dialogue.chat.stop_ids),
        )

    def restore(self, events: Sequence[Event]) -> None:
        """Append what the journal recorded; see Dialogue.restore."""
        self._dialogue.restore(events)

    def cancel(self) -> None:
        """End a running `reply`; if none runs, the next one ends at once."""
        self._asking.cancel()

    def close(self) -> None:
        """Give up the place at the server."""
        self._asking.close()
