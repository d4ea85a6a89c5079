"""/v1/chat/completions."""

from __future__ import annotations

import secrets
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field

from cwm_agent.server.api.fields import Json
from cwm_agent.server.api.openai.fields import ChatRequest
from cwm_agent.server.api.openai.parts import token_text, usage_of
from cwm_agent.server.api.sse import DONE, event
from cwm_agent.server.chat.turns import CallArguments, CallBegun, Delta, Said, Thought, Whole
from cwm_agent.server.engine.messages import Logprob
from cwm_agent.server.service import Service
from cwm_agent.server.wanted import Piece, Usage, Wanted
from model.text.tokenizer import Tokenizer


@dataclass(slots=True)
class ChatAnswer:
    """Tells the answers to one request, whole or in chunks."""

    request: ChatRequest
    service: Service
    id: str = field(default_factory=lambda: f"chatcmpl-{secrets.token_hex(16)}")
    created: int = field(default_factory=lambda: int(time.time()))

    async def whole(self, wanted: Wanted) -> Json:
        """The answer in one; raises RequestError."""
        choices = [_Choice() for _ in range(wanted.n)]
        prompt: Sequence[int] = ()
        async with aclosing(self.service.chat(wanted)) as pieces:
            async for piece in pieces:
                choices[piece.index].take(piece)
                prompt = prompt or piece.prompt
        answer = self._head("chat.completion") | {
            "choices": [self._choice(i, choice) for i, choice in enumerate(choices)],
            "usage": usage_of([choice.usage for choice in choices if choice.usage]),
        }
        return answer | (
            {"prompt_token_ids": list(prompt)} if self.request.return_token_ids else {}
        )

    async def chunks(self, wanted: Wanted) -> AsyncGenerator[bytes, None]:
        """The answer in events; raises RequestError."""
        begun: dict[int, int] = {}  # calls begun, by choice
        usages: list[Usage] = []
        options = self.request.stream_options
        async with aclosing(self.service.chat(wanted)) as pieces:
            async for piece in pieces:
                if piece.index not in begun:
                    begun[piece.index] = 0
                    yield self._chunk(piece, {"role": "assistant", "content": ""}, first=True)
                for delta in piece.deltas:
                    begun[piece.index] += isinstance(delta, CallBegun)
                for chunk in self._chunks(piece, begun):
                    yield chunk
                if piece.usage:
                    usages.append(piece.usage)
        if options is not None and options.include_usage:
            yield event(
                self._head("chat.completion.chunk") | {"choices": [], "usage": usage_of(usages)}
            )
        yield DONE

    def _chunks(self, piece: Piece, begun: dict[int, int]) -> list[bytes]:
        """Chunks of a piece; what was drawn stands in the first of them."""
        earlier = begun[piece.index] - sum(isinstance(d, CallBegun) for d in piece.deltas)
        deltas: list[Json] = []
        for said in piece.deltas:
            earlier += isinstance(said, CallBegun)
            deltas.append(_delta(said, earlier - 1))
        detailed = self.request.return_token_ids or self.request.logprobs
        if not deltas and (piece.finish or (detailed and piece.ids)):
            deltas.append({})
        made = []
        for number, delta in enumerate(deltas):
            last = number == len(deltas) - 1
            finish = piece.finish if last else None
            made.append(self._chunk(piece, delta, drawn=number == 0, finish=finish))
        return made

    def _chunk(
        self,
        piece: Piece,
        delta: Json,
        *,
        first: bool = False,
        drawn: bool = False,
        finish: str | None = None,
    ) -> bytes:
        choice: Json = {"index": piece.index, "delta": delta, "finish_reason": finish}
        if drawn and self.request.logprobs:
            choice["logprobs"] = _logprobs(self.service.tokenizer, piece.ids, piece.logprobs)
        if drawn and self.request.return_token_ids:
            choice["token_ids"] = piece.ids
        chunk = self._head("chat.completion.chunk") | {"choices": [choice]}
        if first and self.request.return_token_ids:
            chunk["prompt_token_ids"] = list(piece.prompt)
        options = self.request.stream_options
        if options is not None and options.include_usage:
            chunk["usage"] = None
        return event(chunk)

    def _choice(self, index: int, choice: _Choice) -> Json:
        whole = choice.whole
        message: Json = {
            "role": "assistant",
            "content": whole.text or (None if whole.calls else ""),
            "refusal": None,
            "reasoning": whole.reasoning or None,
            "reasoning_content": whole.reasoning or None,
        }
        if whole.calls:
            message["tool_calls"] = [
                {
                    "id": call.id,
                    "type": "function",
                    "function": {"name": call.name, "arguments": call.arguments},
                }
                for call in whole.calls
            ]
        found: Json = {"index": index, "message": message, "finish_reason": choice.finish}
        found["logprobs"] = (
            _logprobs(self.service.tokenizer, choice.ids, choice.logprobs)
            if self.request.logprobs
            else None
        )
        return found | ({"token_ids": choice.ids} if self.request.return_token_ids else {})

    def _head(self, kind: str) -> Json:
        return {
            "id": self.id,
            "object": kind,
            "created": self.created,
            "model": self.service.options.name,
            "system_fingerprint": self.service.fingerprint,
        }


@dataclass(slots=True)
class _Choice:
    whole: Whole = field(default_factory=Whole)
    ids: list[int] = field(default_factory=list)
    logprobs: list[Logprob | None] = field(default_factory=list)
    finish: str | None = None
    usage: Usage | None = None

    def take(self, piece: Piece) -> None:
        for delta in piece.deltas:
            self.whole.take(delta)
        self.ids += piece.ids
        self.logprobs += piece.logprobs
        self.finish, self.usage = piece.finish or self.finish, piece.usage or self.usage


def _delta(delta: Delta, call: int) -> Json:
    match delta:
        case Thought(text):
            return {"reasoning": text, "reasoning_content": text}
        case Said(text):
            return {"content": text}
        case CallBegun(id, name):
            function = {"name": name, "arguments": ""}
            return {
                "tool_calls": [{"index": call, "id": id, "type": "function", "function": function}]
            }
        case CallArguments(text):
            return {"tool_calls": [{"index": call, "function": {"arguments": text}}]}


def _logprobs(tokenizer: Tokenizer, ids: Sequence[int], logprobs: Sequence[Logprob | None]) -> Json:
    """In OpenAI's form; a token that was forced has no probability and is left out."""
    content = []
    for token, found in zip(ids, logprobs, strict=False):
        if found is None or found.logprob is None:
            continue
        top = [_weighed(tokenizer, other, value) for other, value in found.top]
        content.append(_weighed(tokenizer, token, found.logprob) | {"top_logprobs": top})
    return {"content": content, "refusal": None}


def _weighed(tokenizer: Tokenizer, token: int, logprob: float) -> Json:
    text, data = token_text(tokenizer, token)
    return {"token": text, "logprob": max(logprob, -9999.0), "bytes": data}
