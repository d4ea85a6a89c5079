"""/v1/completions: text or token ids in, both out."""

from __future__ import annotations

import secrets
import time
from array import array
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field

from cwm_agent.server.answering import merged
from cwm_agent.server.api.fields import Json
from cwm_agent.server.api.openai.fields import CompletionRequest
from cwm_agent.server.api.openai.parts import token_text, usage_of
from cwm_agent.server.api.sampling import sampled, stops
from cwm_agent.server.api.sse import DONE, event
from cwm_agent.server.chat.turns import Said
from cwm_agent.server.engine.messages import Logprob
from cwm_agent.server.errors import RequestError
from cwm_agent.server.service import Service
from cwm_agent.server.wanted import Piece, PromptWanted, Usage
from model.text.tokenizer import Tokenizer

_DEFAULT_TOKENS = 16  # as OpenAI's API has it
_MOST_PROMPTS = 64


def prompt_count(request: CompletionRequest) -> int:
    """How many prompts a request has."""
    given = request.prompt
    return 1 if isinstance(given, str) or not given or isinstance(given[0], int) else len(given)


@dataclass(slots=True)
class TextAnswer:
    """Tells the completions of one request, whole or in chunks."""

    request: CompletionRequest
    service: Service
    job: str
    id: str = field(default_factory=lambda: f"cmpl-{secrets.token_hex(16)}")
    created: int = field(default_factory=lambda: int(time.time()))

    async def whole(self) -> Json:
        """The answer in one; raises RequestError."""
        prompts = await self._prompts()
        each = self.request.n or 1
        choices = [_Choice() for _ in range(each * len(prompts))]
        async with aclosing(self._pieces(prompts)) as pieces:
            async for piece in pieces:
                choices[piece.index].take(piece)
        told = [
            self._choice(number, choice, prompts[number // each])
            for number, choice in enumerate(choices)
        ]
        usages = [choice.usage for choice in choices if choice.usage]
        return self._head() | {"choices": told, "usage": self._usage(usages, prompts)}

    async def chunks(self) -> AsyncGenerator[bytes, None]:
        """The answer in events; raises RequestError."""
        prompts = await self._prompts()
        each = self.request.n or 1
        usages: list[Usage] = []
        begun: set[int] = set()
        async with aclosing(self._pieces(prompts)) as pieces:
            async for piece in pieces:
                choice = _Choice()
                choice.take(piece)
                prompt = prompts[piece.index // each]
                first = piece.index not in begun
                begun.add(piece.index)
                told = self._choice(piece.index, choice, prompt, first=first)
                yield event(self._head() | {"choices": [told]})
                if piece.usage:
                    usages.append(piece.usage)
        options = self.request.stream_options
        if options is not None and options.include_usage:
            yield event(self._head() | {"choices": [], "usage": self._usage(usages, prompts)})
        yield DONE

    async def _prompts(self) -> list[array[int]]:
        """Every prompt as ids; raises RequestError."""
        given = self.request.prompt
        if isinstance(given, str):
            return [await self.service.encoded(given)]
        if not given:
            raise RequestError("the prompt is empty", param="prompt")
        if isinstance(given[0], int):
            return [array("i", [token for token in given if isinstance(token, int)])]
        if len(given) > _MOST_PROMPTS:
            raise RequestError(
                f"a request may have {_MOST_PROMPTS} prompts at most", param="prompt"
            )
        return [
            await self.service.encoded(one) if isinstance(one, str) else array("i", one)
            for one in given
            if not isinstance(one, int)
        ]

    async def _pieces(self, prompts: list[array[int]]) -> AsyncGenerator[Piece, None]:
        """Choices are numbered through all prompts."""
        request = self.request
        each = request.n or 1
        answers = []
        for number, prompt in enumerate(prompts):
            wanted = PromptWanted(
                prompt,
                sampled(request),
                request.max_tokens or _DEFAULT_TOKENS,
                each,
                stops(request),
                tuple(request.stop_token_ids or ()),
                ignore_eos=bool(request.ignore_eos),
                logprobs=request.logprobs,
                job=self.job,
            )
            answers.append(self.service.complete(wanted, first=number * each))
        async with aclosing(merged(answers)) as pieces:
            async for piece in pieces:
                yield piece

    def _choice(
        self, index: int, choice: _Choice, prompt: array[int], *, first: bool = True
    ) -> Json:
        tokenizer, request = self.service.tokenizer, self.request
        echoed = tokenizer.decode(prompt) if request.echo and first else ""
        told: Json = {
            "index": index,
            "text": echoed + choice.text,
            "finish_reason": choice.finish,
            "stop_reason": choice.stop,
            "logprobs": None,
        }
        if request.logprobs is not None:
            told["logprobs"] = _logprobs(tokenizer, choice)
        if request.return_token_ids:
            told["token_ids"] = choice.ids
            if first:
                told["prompt_token_ids"] = prompt.tolist()
        return told

    def _head(self) -> Json:
        return {
            "id": self.id,
            "object": "text_completion",
            "created": self.created,
            "model": self.service.options.name,
            "system_fingerprint": self.service.fingerprint,
        }

    @staticmethod
    def _usage(usages: list[Usage], prompts: list[array[int]]) -> Json:
        told = usage_of(usages)
        prompt = sum(map(len, prompts))
        told |= {"prompt_tokens": prompt, "total_tokens": prompt + told["completion_tokens"]}
        return told


@dataclass(slots=True)
class _Choice:
    text: str = ""
    ids: list[int] = field(default_factory=list)
    logprobs: list[Logprob | None] = field(default_factory=list)
    finish: str | None = None
    stop: str | None = None
    usage: Usage | None = None

    def take(self, piece: Piece) -> None:
        self.text += "".join(delta.text for delta in piece.deltas if isinstance(delta, Said))
        self.ids += piece.ids
        self.logprobs += piece.logprobs
        self.finish, self.usage = piece.finish or self.finish, piece.usage or self.usage
        self.stop = piece.stop or self.stop


def _logprobs(tokenizer: Tokenizer, choice: _Choice) -> Json:
    """In the form of OpenAI's completions."""
    texts = [token_text(tokenizer, token)[0] for token in choice.ids]
    offsets, at = [], 0
    for text in texts:
        offsets.append(at)
        at += len(text)
    found = [logprob for logprob in choice.logprobs if logprob is not None]
    top = [{token_text(tokenizer, t)[0]: value for t, value in one.top} for one in found]
    return {
        "tokens": texts,
        "token_logprobs": [one.logprob for one in found],
        "top_logprobs": top,
        "text_offset": offsets,
    }
