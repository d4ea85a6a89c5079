"""Anthropic's protocol, spoken by Anthropic's own client."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

import pytest
from live import Live

if TYPE_CHECKING:
    import anthropic

BASH = {
    "name": "Bash",
    "description": "Runs a command.",
    "input_schema": {
        "type": "object",
        "properties": {"command": {"type": "string"}},
        "required": ["command"],
    },
}

GREEDY = {"temperature": 0}  # this client does not know it


@pytest.fixture(scope="module")
def client(server: Live) -> anthropic.Anthropic:
    import anthropic  # takes seconds, which every process that collects the tests would spend

    return anthropic.Anthropic(base_url=server.url, api_key="any", max_retries=0)


def asked(**fields: Any) -> dict[str, Any]:
    message = {"role": "user", "content": "Look at calc.py."}
    return {"model": "nano", "max_tokens": 60, "messages": [message], **fields}


def test_a_forced_call_is_a_tool_block(client: anthropic.Anthropic) -> None:
    answer = client.messages.create(
        **asked(tools=[BASH], tool_choice={"type": "tool", "name": "Bash"}, extra_body=GREEDY)
    )
    kinds = [block.type for block in answer.content]
    assert kinds[-1] == "tool_use"
    assert answer.content[-1].name == "Bash"
    assert set(answer.content[-1].input) == {"command"}
    assert answer.stop_reason == "tool_use"


def test_a_stream_adds_up_to_the_whole(client: anthropic.Anthropic) -> None:
    fields = asked(tools=[BASH], extra_body=GREEDY)
    whole = client.messages.create(**fields)
    with client.messages.stream(**fields) as stream:
        final = stream.get_final_message()

    def seen(message: Any) -> list[dict[str, Any]]:
        dumped = [block.model_dump(exclude_none=True) for block in message.content]
        return [{k: v for k, v in block.items() if k in KEYS} for block in dumped]

    assert seen(final) == seen(whole)
    assert final.stop_reason == whole.stop_reason
    assert final.usage.output_tokens == whole.usage.output_tokens


KEYS = {"type", "thinking", "text", "name", "input"}


def test_tokens_are_counted_as_they_are_used(client: anthropic.Anthropic) -> None:
    fields = asked(system="Be brief.", tools=[BASH])
    counted = client.messages.count_tokens(**{k: v for k, v in fields.items() if k != "max_tokens"})
    used = client.messages.create(**fields).usage
    assert counted.input_tokens == used.input_tokens + used.cache_read_input_tokens


def test_a_header_that_changes_every_turn_costs_no_hit(client: anthropic.Anthropic) -> None:
    """As Claude Code sends it; where blocks are marked for caching changes nothing, either."""
    messages: list[dict[str, Any]] = [{"role": "user", "content": "Look at calc.py. " * 20}]
    known = hits = had = 0
    for turn in range(20):
        header = f"x-anthropic-billing-header: cc_version=2; cch={secrets.token_hex(4)};"
        system: list[dict[str, Any]] = [{"type": "text", "text": header}]
        system.append({"type": "text", "text": "You are careful."})
        if turn % 2:
            system[1]["cache_control"] = {"type": "ephemeral"}
        answer = client.messages.create(
            **asked(messages=messages, system=system, tools=[BASH], max_tokens=24)
        )
        usage = answer.usage
        # All but the last token of the answer before had its keys and values.
        hits += usage.cache_read_input_tokens
        had += known
        known = usage.input_tokens + usage.cache_read_input_tokens + usage.output_tokens - 1
        blocks = [b.model_dump(exclude_none=True) for b in answer.content]
        messages.append({"role": "assistant", "content": blocks})
        messages.append({"role": "user", "content": _results(blocks) or f"Go on, {turn}."})
    assert hits >= 0.999 * had > 0


def _results(blocks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        {"type": "tool_result", "tool_use_id": block["id"], "content": "done"}
        for block in blocks
        if block["type"] == "tool_use"
    ]


def test_errors_have_anthropics_form(client: anthropic.Anthropic) -> None:
    import anthropic

    with pytest.raises(anthropic.BadRequestError) as caught:
        client.messages.create(**asked(messages=[]))
    assert caught.value.body["type"] == "error"
    assert caught.value.body["error"]["type"] == "invalid_request_error"
