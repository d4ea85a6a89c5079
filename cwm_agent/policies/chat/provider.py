"""Whose API a model is behind, as `--model openai:NAME` says it, and where its key is."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cwm_agent.config.layers import API_KEY
from cwm_agent.config.paths import expand
from cwm_agent.errors import NotReadyError


@dataclass(frozen=True, slots=True)
class Provider:
    """An API by the name in front of a model's. `url` and `key` are those of its own servers."""

    name: str
    url: str
    key: str


PROVIDERS = (
    Provider("openai", "https://api.openai.com/v1", "OPENAI_API_KEY"),
    Provider("anthropic", "https://api.anthropic.com/v1", "ANTHROPIC_API_KEY"),
)


@dataclass(frozen=True, slots=True)
class ChatModel:
    """A model behind a chat API; `name` "" is the first that a server lists."""

    provider: Provider
    name: str

    @property
    def source(self) -> str:
        """As it is given with `--model`."""
        return f"{self.provider.name}:{self.name}"

    def urls(self, urls: Sequence[str] | None) -> tuple[str, ...]:
        """The servers, those of the provider where none are named."""
        return tuple(urls or (self.provider.url,))


def chat_model(model: str | None) -> ChatModel | None:
    """The model behind a chat API that a setting `model` names; None for another one."""
    prefix, colon, name = (model or "").partition(":")
    found = next((provider for provider in PROVIDERS if provider.name == prefix), None)
    return ChatModel(found, name) if found and colon else None


def api_key(
    file: str | None,
    provider: Provider | None = None,
    environment: Mapping[str, str] = os.environ,
) -> str | None:
    """The servers' key: from our variable, from `file`, or from the provider's own variable.

    `provider` is given where its own servers are asked: its key goes nowhere else.
    Raises NotReadyError for a file that cannot be read or holds nothing.
    """
    if key := environment.get(API_KEY):
        return key
    if file is not None:
        path = expand(file)
        try:
            key = path.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise NotReadyError(
                f"cannot read the key in {path} ({error}); correct endpoint.key_file"
            ) from error
        if not key or len(key.split()) > 1:
            raise NotReadyError(f"{path} has to hold one key and nothing else")
        return key
    return environment.get(provider.key) if provider else None
