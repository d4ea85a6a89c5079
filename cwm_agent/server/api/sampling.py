"""From a request's fields to what is wanted."""

from __future__ import annotations

import json

from cwm_agent.server.api.fields import Json, SamplingFields
from cwm_agent.server.engine.messages import Grammar
from cwm_agent.server.errors import RequestError
from cwm_agent.server.options import EFFORTS
from cwm_agent.server.wanted import Sampled


def sampled(fields: SamplingFields) -> Sampled:
    """How to sample; raises RequestError."""
    return Sampled(
        temperature=fields.temperature,
        top_p=fields.top_p,
        top_k=max(0, fields.top_k or 0),
        min_p=fields.min_p or 0.0,
        seed=fields.seed,
        bias={_token(name): value for name, value in (fields.logit_bias or {}).items()},
        presence=fields.presence_penalty or 0.0,
        frequency=fields.frequency_penalty or 0.0,
    )


def stops(fields: SamplingFields) -> tuple[str, ...]:
    """The stop texts."""
    if fields.stop is None:
        return ()
    return (fields.stop,) if isinstance(fields.stop, str) else tuple(fields.stop)


def thinking(effort: str | None, template: Json | None) -> tuple[bool, int | None]:
    """Whether the model thinks, and its bound; raises RequestError for an unknown effort.

    `template` are vLLM's `chat_template_kwargs`.
    """
    enabled = (template or {}).get("enable_thinking")
    if enabled is False or effort == "none":
        return False, None
    if effort is None or effort in ("xhigh", "max"):
        return True, None
    if effort not in EFFORTS:
        known = ", ".join(["none", *EFFORTS, "xhigh"])
        raise RequestError(
            f"reasoning effort {effort!r} is unknown; it may be {known}", param="reasoning_effort"
        )
    return True, EFFORTS[effort]


def response_grammar(kind: str | None, schema: object) -> Grammar | None:
    """What a response_format demands; raises RequestError."""
    if kind in (None, "text"):
        return None
    if kind == "json_object":
        return Grammar("json", "")
    if kind == "json_schema":
        if not isinstance(schema, dict):
            raise RequestError(
                "response_format of type json_schema needs json_schema.schema",
                param="response_format",
            )
        return Grammar("json_schema", json.dumps(schema))
    raise RequestError(f"response_format {kind!r} is unknown", param="response_format")


def _token(name: str) -> int:
    try:
        token = int(name)
    except ValueError:
        token = -1
    if token < 0:
        raise RequestError(
            f"logit_bias has the key {name!r:.40}; keys are token ids", param="logit_bias"
        )
    return token
