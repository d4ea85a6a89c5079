"""What both of OpenAI's older protocols say in their answers."""

from __future__ import annotations

from collections.abc import Sequence

from cwm_agent.server.api.fields import Json
from cwm_agent.server.wanted import Usage
from model.text.tokenizer import Tokenizer


def usage_of(usages: Sequence[Usage]) -> Json:
    """The sum over the choices; the prompt counts once."""
    prompt = usages[0].prompt if usages else 0
    completion = sum(usage.completion for usage in usages)
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "prompt_tokens_details": {"cached_tokens": usages[0].cached if usages else 0},
        "completion_tokens_details": {"reasoning_tokens": sum(u.reasoning for u in usages)},
    }


def token_text(tokenizer: Tokenizer, token: int) -> tuple[str, list[int]]:
    """What an id says alone, control tokens by name, and its bytes."""
    data = tokenizer.token_bytes(token, specials=True)
    return data.decode("utf-8", "replace"), list(data)
