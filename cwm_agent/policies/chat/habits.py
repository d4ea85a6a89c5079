"""What a server does not take, learnt from what it refuses.

Servers of one API differ in the parameters they know and in how many tokens they
let a reply have. A refusal names the parameter, so the request is made again
without it, and later ones never have it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cwm_agent.policies.endpoint.transport import BadRequestError
from cwm_agent.policies.errors import ContextFullError

DISPENSABLE = (
    "seed",
    "stop",
    "stop_sequences",
    "parallel_tool_calls",
    "disable_parallel_tool_use",
    "stream_options",
    "cache_control",
    "top_p",
    "temperature",
    "reasoning_details",
    "reasoning_content",
    "reasoning",
)
"""Parameters of a request, and parts of its messages, that a reply can be had without.

In this order: of two that may not stand together the first is given up."""
LIMITS = ("max_tokens", "max_completion_tokens")
LEAST = 64
"""Tokens of a reply for which it is still worth to ask."""
_FULL_CODES = ("context_length_exceeded", "exceed_context_size_error", "request_too_large")
_FULL = re.compile(
    r"context[ _](length|window|size)|prompt is too long|input is too long|max_model_len"
    r"|too many (input )?tokens|reduce the length|exceeds? (the )?(model's )?(maximum|context)",
    re.IGNORECASE,
)
_CONTEXT = re.compile(r"(?:context length|context window|max_model_len)\D{0,20}?(\d{3,})", re.I)
_PROMPT = re.compile(r"(\d+) (?:input tokens|(?:tokens )?(?:in|from) the (?:input )?messages)")
_AT_MOST = re.compile(r"(?:at most|maximum(?: value)?(?: is| of)?|up to|<=|>) ?(\d+)")


@dataclass(slots=True)
class Habits:
    """What one server takes. `most` is the most tokens that it lets a reply have."""

    left_out: list[str] = field(default_factory=list)
    most: int | None = None
    limit: str = LIMITS[0]

    def shape(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """A request body as this server takes it."""
        shaped = {key: value for key, value in body.items() if key not in self.left_out}
        if "max_tokens" in shaped:
            asked = shaped.pop("max_tokens")
            shaped[self.limit] = min(asked, self.most or asked)
        if left_out := set(self.left_out):
            shaped["messages"] = [
                {key: value for key, value in message.items() if key not in left_out}
                for message in shaped["messages"]
            ]
        return shaped

    def learn(self, refusal: BadRequestError, body: Mapping[str, Any]) -> int | None:
        """What to do after `body` was refused: ask again, with so many tokens where not None.

        Raises the refusal where it names nothing that can be given up, and
        ContextFullError where the conversation itself is too long.
        """
        words = refusal.words
        asked = int(body.get(self.limit, LEAST))
        if refusal.code in _FULL_CODES or _FULL.search(words):
            return self._room(refusal, asked)
        named = [name for name in LIMITS if name in words]
        if self.limit in named and len(named) == len(LIMITS) and "support" in words:
            self.limit = next(name for name in LIMITS if name != self.limit)
            return None
        if named and asked > LEAST:
            found = _AT_MOST.search(words)
            lower = int(found[1]) if found else asked // 2
            self.most = lower if LEAST <= lower < asked else asked // 2
            return None
        for name in DISPENSABLE:
            if name not in self.left_out and re.search(rf"\b{name}\b", words) and _has(body, name):
                self.left_out.append(name)
                return None
        raise refusal

    def _room(self, refusal: BadRequestError, asked: int) -> int:
        """Fewer tokens for a reply, so that the conversation and it may fit."""
        context, prompt = _CONTEXT.search(refusal.words), _PROMPT.search(refusal.words)
        room = int(context[1]) - int(prompt[1]) if context and prompt else asked // 4
        room = room if room < asked else asked // 4
        if room < LEAST:
            raise ContextFullError(
                f"the conversation is longer than the model can read: {refusal.words}"
            ) from refusal
        return room


def _has(body: Mapping[str, Any], name: str) -> bool:
    return name in body or any(name in message for message in body["messages"])
