"""The policy that asks a chat API; several URLs serve the same model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

from cwm_agent.policies.chat.anthropic import MessagesApi
from cwm_agent.policies.chat.conversation import ChatConversation, Manner
from cwm_agent.policies.chat.openai import ChatCompletionsApi
from cwm_agent.policies.chat.probe import calls_functions
from cwm_agent.policies.chat.provider import ChatModel
from cwm_agent.policies.endpoint.background import Background
from cwm_agent.policies.endpoint.client import Asker, Timeouts
from cwm_agent.policies.endpoint.connections import open_client
from cwm_agent.policies.estimate import EstimatingMeter
from model.stats import EngineStats
from results.found import Capabilities, ToolCalls
from tools.native import Function


class ChatPolicy:
    """A model behind a chat API.

    `functions` are the tools that it may call; `tool_calls` says how, "auto" by
    what a probe finds. `extra` are further parameters of each request.
    Raises EndpointError when no server answers, RefusedError when one will not,
    UsageError when the API's client library is not installed.
    """

    def __init__(
        self,
        model: ChatModel,
        urls: Sequence[str],
        *,
        functions: Sequence[Function] = (),
        tool_calls: Literal["auto", "text", "native"] = "auto",
        temperature: float = 1.0,
        top_p: float = 1.0,
        extra: Mapping[str, Any] | None = None,
        timeouts: Timeouts | None = None,
        api_key: str | None = None,
    ) -> None:
        timeouts = timeouts or Timeouts()
        self._model = model
        self._meter = EstimatingMeter()
        self._api = api_of(model, urls, timeouts.silence, api_key, extra or {})
        self._asker = Asker(self._api, urls, model.name or None, timeouts, listed=False)
        self._background = Background("chat")
        try:
            self._background.begin(self._asker.meet()).result()
            calls, self._evidence = self._tool_calls(functions, tool_calls, temperature)
        except BaseException:
            self.close()
            raise
        as_read = bool(functions) and calls == "text" and self._knows_text_calls
        self._manner = Manner(calls, functions, temperature, top_p, as_read)

    @property
    def name(self) -> str:
        """The API and the name of the model."""
        model = next(s.model for s in self._asker.servers.all if s.model)
        return f"{self._model.provider.name}:{model}"

    @property
    def meter(self) -> EstimatingMeter:
        """Estimates tokens from characters; a reply has the server's own counts."""
        return self._meter

    @property
    def capabilities(self) -> Capabilities:
        """What is known of the servers by now."""
        contexts = [s.context for s in self._asker.servers.all if s.context]
        left_out = {
            name for s in self._asker.servers.all for name in self._api.habits(s.url).left_out
        }
        return Capabilities(
            self._manner.tool_calls,
            tuple(sorted(left_out)),
            min(contexts, default=None),
            self._evidence,
            thinking=self._manner.as_read,
        )

    @property
    def _knows_text_calls(self) -> bool:
        """Every server that was met is `cwm-agent serve`, asked by the API that can say so."""
        return all(s.text_calls for s in self._asker.servers.all if s.model)

    def loads(self) -> Mapping[str, EngineStats]:
        """What every server does for this process, by URL."""
        return {server.url: server.load() for server in self._asker.servers.all}

    def open(self, *, seed: int, temperature: float | None = None) -> ChatConversation:
        """A new conversation; it finds its server with its first reply."""
        manner = self._manner
        if temperature is not None:
            manner = replace(manner, temperature=temperature)
        return ChatConversation(self._asker, self._background, self._meter, manner, seed)

    def close(self) -> None:
        """End what runs, as cancelled, and all connections."""
        self._background.close(self._asker.close())

    def _tool_calls(
        self,
        functions: Sequence[Function],
        wanted: Literal["auto", "text", "native"],
        temperature: float,
    ) -> tuple[ToolCalls, str]:
        """How tools are called, and why so."""
        if not functions:
            return "text", "there are no tools"
        if wanted != "auto":
            return wanted, "endpoint.tool_calls says so"
        if self._knows_text_calls:
            return "text", "the server says that its model knows our text grammar"
        able, evidence = self._background.begin(
            self._asker.inquire(lambda server: calls_functions(self._api, server, temperature))
        ).result()
        return ("native" if able else "text"), evidence


def api_of(
    model: ChatModel,
    urls: Sequence[str],
    silence: float,
    api_key: str | None,
    extra: Mapping[str, Any],
) -> ChatCompletionsApi | MessagesApi:
    """The API that a model is behind; raises NotReadyError and UsageError."""
    if model.provider.name == "anthropic":
        return MessagesApi(urls, silence, api_key, extra)
    return ChatCompletionsApi(open_client(urls, silence, api_key), extra)
