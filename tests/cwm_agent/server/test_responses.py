"""The protocol of responses, spoken by OpenAI's own client."""

from __future__ import annotations

import openai
import pytest
from live import Live

BASH = {
    "type": "function",
    "name": "bash",
    "description": "Runs a command.",
    "parameters": {
        "type": "object",
        "properties": {"command": {"type": "string"}},
        "required": ["command"],
        "additionalProperties": False,
    },
    "strict": True,
}


@pytest.fixture(scope="module")
def client(server: Live) -> openai.OpenAI:
    return openai.OpenAI(base_url=server.api, api_key="any", max_retries=0)


def test_a_stored_response_is_gone_on_from(client: openai.OpenAI) -> None:
    first = client.responses.create(
        model="nano",
        input="Look at calc.py.",
        tools=[BASH],
        tool_choice="required",
        max_output_tokens=200,
        temperature=0,
    )
    call = first.output[-1]
    assert (call.type, call.name) == ("function_call", "bash")
    result = {"type": "function_call_output", "call_id": call.call_id, "output": "calc.py"}
    second = client.responses.create(
        model="nano",
        input=[result],
        previous_response_id=first.id,
        tools=[BASH],
        max_output_tokens=20,
    )
    known = first.usage.input_tokens + first.usage.output_tokens
    assert second.usage.input_tokens_details.cached_tokens >= known - 1
    assert client.responses.retrieve(second.id).id == second.id
    client.responses.delete(second.id)
    with pytest.raises(openai.NotFoundError):
        client.responses.retrieve(second.id)


def test_items_sent_back_are_the_same_conversation(client: openai.OpenAI) -> None:
    """As Codex does, which stores nothing."""
    asked = {"model": "nano", "tools": [BASH], "max_output_tokens": 60, "store": False}
    items = [{"type": "message", "role": "user", "content": "Look at calc.py."}]
    first = client.responses.create(input=items, **asked)
    items += [item.model_dump(exclude_none=True) for item in first.output]
    items += [{"type": "message", "role": "user", "content": "Go on."}]
    second = client.responses.create(input=items, **asked)
    known = first.usage.input_tokens + first.usage.output_tokens
    assert second.usage.input_tokens_details.cached_tokens >= known - 1
    with pytest.raises(openai.NotFoundError):
        client.responses.create(input="and?", previous_response_id=first.id, **asked)


def test_events_add_up_to_the_response(client: openai.OpenAI) -> None:
    asked = {"model": "nano", "input": "Look at calc.py.", "max_output_tokens": 60}
    with client.responses.stream(**asked, temperature=0) as stream:
        events = list(stream)
    assert [event.sequence_number for event in events] == list(range(len(events)))
    final = events[-1].response
    told = "".join(e.delta for e in events if e.type == "response.output_text.delta")
    thought = "".join(e.delta for e in events if e.type == "response.reasoning_text.delta")
    assert told == final.output_text
    assert thought == "".join(
        part.text for item in final.output if item.type == "reasoning" for part in item.content
    )
