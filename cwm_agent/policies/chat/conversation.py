"""One dialogue with a model behind a chat API. It is sent whole with every request."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass

from cwm_agent.policies.chat.request import (
    ChatAnswer,
    ChatPiece,
    ChatRequest,
    Said,
    native_calls,
    shown,
    stored,
)
from cwm_agent.policies.endpoint.asking import Asking
from cwm_agent.policies.endpoint.background import Background
from cwm_agent.policies.endpoint.client import Asker
from cwm_agent.policies.estimate import EstimatingMeter
from envs.environment import ReplyLimits
from results.found import ToolCalls
from results.records import (
    AttemptStarted,
    ChatReply,
    Event,
    Message,
    Observed,
    Replied,
    Reply,
)
from tools.native import Function


@dataclass(frozen=True, slots=True)
class Manner:
    """How replies are asked for. `functions` are given to the model where calls are native.

    `as_read`: where they are not, messages go out as the model reads them.
    """

    tool_calls: ToolCalls
    functions: Sequence[Function]
    temperature: float
    top_p: float
    as_read: bool = False


class ChatConversation:
    """See `cwm_agent.policies.policy.Conversation`; there are no token ids."""

    def __init__(
        self,
        asker: Asker[ChatRequest, ChatPiece],
        background: Background,
        meter: EstimatingMeter,
        manner: Manner,
        seed: int,
    ) -> None:
        self._asking = Asking(asker, background)
        self._meter = meter
        self._manner = manner
        self._tool_calls = manner.tool_calls
        self._seed = seed
        self._history: list[Message | Reply] = []

    def observe(self, messages: Sequence[Message]) -> tuple[int, ...]:
        """Append messages."""
        self._history += messages
        return ()

    def reply(self, limits: ReplyLimits) -> Reply:
        """The next assistant message.

        Raises EndpointError when no server answers, RefusedError when one will
        not, ContextFullError when the conversation is too long for the model.
        """
        began, answer, request = time.monotonic(), ChatAnswer(), self._request(limits)
        if not self._asking.fill(answer, lambda: request):
            return Reply("", finish="cancelled", seconds=time.monotonic() - began)
        assert answer.said is not None
        reply = self._reply(answer.said, request.functions, time.monotonic() - began)
        self._history.append(reply)
        return reply

    def restore(self, events: Sequence[Event]) -> None:
        """Append what the journal recorded, and call tools as was begun."""
        begun = [e.capabilities for e in events if isinstance(e, AttemptStarted) and e.capabilities]
        if begun:
            self._tool_calls = begun[0].tool_calls
        for event in events:
            if isinstance(event, Observed):
                self._history += event.messages
            elif isinstance(event, Replied):
                self._history.append(event.reply)

    def cancel(self) -> None:
        """End a running `reply`; if none runs, the next one ends at once."""
        self._asking.cancel()

    def close(self) -> None:
        """Give up the place at the server."""
        self._asking.close()

    def _request(self, limits: ReplyLimits) -> ChatRequest:
        replies = sum(isinstance(entry, Reply) for entry in self._history)
        number = hashlib.sha256(f"{self._seed} {replies}".encode()).digest()[:4]
        seed = int.from_bytes(number) >> 1  # servers take 31 bits
        as_read = self._manner.as_read and self._tool_calls == "text"
        return ChatRequest(
            history=tuple(self._history),
            functions=self._manner.functions if self._tool_calls == "native" else (),
            max_tokens=limits.max_tokens,
            temperature=self._manner.temperature,
            top_p=self._manner.top_p,
            seed=self._seed if as_read else seed,  # ours counts places in a conversation
            stop_after_call=limits.stop_after_tool_call,
            as_read=as_read,
        )

    def _reply(self, said: Said, functions: Sequence[Function], seconds: float) -> Reply:
        calls = native_calls(said.calls, functions) if functions else None
        text = shown(said.text, calls) if calls is not None else said.text
        before = said.prompt_tokens
        if before is None:
            before = sum(self._meter.count(entry.text) for entry in self._history)
        written = said.written_tokens
        if written is None:
            written = self._meter.count(text) + self._meter.count(said.reasoning)
        return Reply(
            text=text,
            finish=said.finish,
            prompt_tokens=before,
            cached_tokens=said.cached_tokens or 0,
            context_tokens=before + written,
            seconds=seconds,
            chat=ChatReply(
                stored(said.message),
                None if calls is None else tuple(calls),
                said.reasoning,
                said.cost,
            ),
        )
