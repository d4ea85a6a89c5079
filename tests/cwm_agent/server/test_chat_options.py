"""What a chat request may ask for; each answer streamed and whole."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest
from live import Live

from cwm_agent.server.engine.compiling import Checks

ISSUE = (
    "Expected [2, 4, 7, 0].\n\nFile: team/names.py. [-2, 4, 7, 0] is false - Somebody typed "
    "`replace_values_tupa([-2, 4, 7, 0])`."
)
CODE = '''"""Names."""


def baki_tutu(items):
    """Goes once through items and swaps neighbours of which the first is greater."""
    picked = items[:]
    for index in range(len(picked) - 1):
        x, y = picked[index], picked[index + 1]
        if x > y:
            picked[index], picked[index + 1] = y, x
    return picked


def positions_words(keys, letter):
    """Return a dict from each answer to containing letter to the positions of its words in keys that are longer than 5."""
    out = {}
    for pos, v in enumerate(keys):
        if len(v) > 5:
            out.setdefault(letter in v, []).append(pos)
    return out


def replace_values_tupa(numbers):
    """Return a copy of numbers with the values that are divisible by 2 made absolute."""
    result = list(numbers)
    for i, item in enumerate(numbers):
        if not item % 2 == 0:
            result[i] = abs(item)
    return result


---'''  # noqa: E501
OPENING = [{"role": "system", "content": "nano"}, {"role": "user", "content": ISSUE}]
PLAIN = {"chat_template_kwargs": {"enable_thinking": False}}
SCHEMA = {
    "type": "object",
    "properties": {"line": {"enum": [1, 2, 3]}, "sure": {"type": "boolean"}},
    "required": ["line", "sure"],
    "additionalProperties": False,
}
JSON_SCHEMA = {"type": "json_schema", "json_schema": {"name": "place", "schema": SCHEMA}}


def function(name: str, *texts: str, **fields: Any) -> dict[str, Any]:
    schema = {
        "type": "object", "properties": {text: {"type": "string"} for text in texts},
        "required": list(texts), "additionalProperties": False,
    }  # fmt: skip
    return {"type": "function", "function": {"name": name, "parameters": schema} | fields}


NATIVE = [
    function("bash", "command"), function("edit", "path", "old_str", "new_str"),
    function("create", "path", "content"), function("submit", "result"),
]  # fmt: skip
LOOKUP = function("lookup", "word", strict=True, parameters=SCHEMA)


def ask(server: Live, **fields: Any) -> dict[str, Any]:
    """The answer, which is the same when it is streamed."""
    body = {"messages": OPENING, "max_tokens": 60, "temperature": 0} | fields
    with server.client() as client:
        answer = client.post("/v1/chat/completions", json=body)
        assert answer.status_code == 200, answer.text
        whole: dict[str, Any] = answer.json()
        streamed = body | {"stream": True, "stream_options": {"include_usage": True}}
        lines = client.post("/v1/chat/completions", json=streamed).text.split("\n\n")
    assert lines[-2:] == ["data: [DONE]", ""]
    events = [json.loads(line.removeprefix("data: ")) for line in lines[:-2]]
    together = put_together(events)
    assert [seen(choice) for choice in whole["choices"]] == together
    counts = [a["usage"] | {"prompt_tokens_details": None} for a in (whole, events[-1])]
    assert counts[0] == counts[1]
    whole["pieces"] = [
        call["function"]["arguments"]
        for event in events for choice in event["choices"]
        for call in choice["delta"].get("tool_calls", ())
    ]  # fmt: skip
    return whole


def put_together(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Choices from the chunks of a stream, each as `seen` shows it."""
    found: dict[int, dict[str, Any]] = {}
    for event in events:
        for choice in event["choices"]:
            told = found.setdefault(choice["index"], {"text": "", "thought": "", "calls": []})
            delta = choice["delta"]
            told["text"] += delta.get("content") or ""
            told["thought"] += delta.get("reasoning") or ""
            for call in delta.get("tool_calls", ()):
                if "id" in call:
                    told["calls"].append([call["function"]["name"], ""])
                told["calls"][call["index"]][1] += call["function"]["arguments"]
            told.setdefault("logprobs", [])
            told["logprobs"] += (choice.get("logprobs") or {}).get("content", [])
            told["finish"] = choice["finish_reason"] or told.get("finish")
    return [found[index] for index in sorted(found)]


def seen(choice: dict[str, Any]) -> dict[str, Any]:
    message = choice["message"]
    calls = [call["function"] for call in message.get("tool_calls", ())]
    return {
        "text": message["content"] or "",
        "thought": message["reasoning"] or "",
        "calls": [[call["name"], call["arguments"]] for call in calls],
        "logprobs": (choice["logprobs"] or {}).get("content", []),
        "finish": choice["finish_reason"],
    }


def content(answer: dict[str, Any]) -> str:
    text: str = answer["choices"][0]["message"]["content"]
    return text


@pytest.mark.parametrize("begun", ["", '{"line": 2'])
def test_an_answer_follows_its_schema(server: Live, begun: str) -> None:
    """Also one that the client began, behind its thought."""
    fields: dict[str, Any] = PLAIN
    if begun:
        answer = {"role": "assistant", "content": begun, "reasoning": "It is there."}
        fields = {"messages": [*OPENING, answer]}
    answer = ask(server, response_format=JSON_SCHEMA, max_tokens=200, **fields)
    assert answer["choices"][0]["finish_reason"] == "stop"
    jsonschema.validate(json.loads(begun + content(answer)), SCHEMA)


def test_a_grammar_that_takes_for_ever_is_refused_and_nobody_else_waits(
    server: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Checks, "cpu_seconds", 1)
    bomb = [{"type": "string", "pattern": f"(a|b){{{n}}}c"} for n in range(1, 60)]
    form = {"type": "json_schema", "json_schema": {"schema": {"allOf": bomb}}}
    with server.client() as client:
        body = {"messages": OPENING, "response_format": form, "max_tokens": 2}
        refused = client.post("/v1/chat/completions", json=body)
    assert refused.status_code == 400
    assert "too complex" in refused.json()["error"]["message"]
    assert ask(server, max_tokens=2)["choices"]


def test_a_thought_does_not_end_an_answer_that_must_follow_a_schema(server: Live) -> None:
    """As it does without a schema."""
    free, bound = (ask(server, max_tokens=30, **f) for f in ({}, {"response_format": JSON_SCHEMA}))
    assert [a["choices"][0]["finish_reason"] for a in (free, bound)] == ["stop", "length"]
    assert not content(bound)


def test_a_bias_decides(server: Live) -> None:
    token = server.running.service.tokenizer.encode_text("a")[0]
    answer = ask(server, logit_bias={str(token): 100}, max_tokens=5, **PLAIN)
    assert content(answer) == "aaaaa"
    banned = ask(server, logit_bias={str(token): -100}, max_tokens=30, **PLAIN)
    assert banned["choices"][0]["message"] != answer["choices"][0]["message"]


def test_several_choices_and_the_seed(server: Live) -> None:
    fields = {"n": 3, "temperature": 3, "max_tokens": 16, "ignore_eos": True, **PLAIN}
    answer, again, other = (ask(server, seed=seed, **fields) for seed in (5, 5, 6))
    texts = [[c["message"]["content"] for c in a["choices"]] for a in (answer, again, other)]
    assert texts[0] == texts[1] != texts[2]
    assert len(set(texts[0])) > 1
    assert answer["usage"]["completion_tokens"] == 48


def test_probabilities_of_tokens(server: Live) -> None:
    answer = ask(server, logprobs=True, top_logprobs=3, max_tokens=12, temperature=1, seed=3)
    told = answer["choices"][0]["logprobs"]["content"]
    assert len(told) == answer["usage"]["completion_tokens"]
    for one in told:
        top = [other["logprob"] for other in one["top_logprobs"]]
        assert len(top) == 3
        assert top == sorted(top, reverse=True)
        assert one["logprob"] <= top[0] + 1e-6
        assert bytes(one["bytes"]).decode("utf-8", "replace") == one["token"]


def test_a_stop_text_ends_the_answer_and_is_no_part_of_it(server: Live) -> None:
    text = content(ask(server, **PLAIN))
    middle = len(text) // 2
    stop = text[middle : middle + 3]
    answer = ask(server, stop=[stop, "never said"], **PLAIN)
    assert content(answer) == text[: text.index(stop)]
    assert answer["choices"][0]["finish_reason"] == "stop"


def test_how_much_is_thought(server: Live) -> None:
    fields = {"max_tokens": 40, "ignore_eos": True}
    none = ask(server, reasoning_effort="none", **fields)
    assert none["choices"][0]["message"]["reasoning"] is None
    assert none["usage"]["completion_tokens_details"]["reasoning_tokens"] == 0
    body = {
        "model": "nano", "messages": [{"role": "user", "content": "Think long."}],
        "max_tokens": 60, "thinking": {"type": "enabled", "budget_tokens": 12},
    }  # fmt: skip
    with server.client() as client:
        blocks = client.post("/v1/messages", json=body).json()["content"]
    assert len(server.running.service.tokenizer.encode_text(blocks[0]["thinking"])) <= 12


@pytest.mark.parametrize("choice", ["auto", "required", "named"])
def test_strict_arguments_follow_their_schema(server: Live, choice: str) -> None:
    named = {"type": "function", "function": {"name": "lookup"}}
    asked: dict[str, Any] = {"tool_choice": named if choice == "named" else choice, **PLAIN}
    if choice == "auto":  # the client opens the call, so it is text
        begun = {"role": "assistant", "content": "So:\n<tool: lookup>\n"}
        answer = ask(
            server, tools=[LOOKUP, NATIVE[0]], max_tokens=200, messages=[*OPENING, begun], **asked
        )
        arguments = content(answer).removesuffix("\n</tool>")
    else:
        answer = ask(server, tools=[LOOKUP], max_tokens=200, **asked)
        (call,) = answer["choices"][0]["message"]["tool_calls"]
        assert call["function"]["name"] == "lookup"
        assert answer["choices"][0]["finish_reason"] == "tool_calls"
        arguments = call["function"]["arguments"]
    jsonschema.validate(json.loads(arguments), SCHEMA)


def test_native_tools_are_called_as_the_embedded_model_calls_them(server: Live) -> None:
    """The bundled model knows its four tools by their names, so these are its own words."""
    look = ask(server, tools=NATIVE)
    (call,) = look["choices"][0]["message"]["tool_calls"]
    assert call["function"]["name"] == "bash"
    assert json.loads(call["function"]["arguments"]) == {"command": "cat team/names.py"}
    assert len(look["pieces"]) > 2
    result = {"role": "tool", "tool_call_id": call["id"], "content": CODE}
    history = [*OPENING, look["choices"][0]["message"], result]
    edit = ask(server, tools=NATIVE, messages=history, max_tokens=200)
    (call,) = edit["choices"][0]["message"]["tool_calls"]
    arguments = json.loads(call["function"]["arguments"])
    assert call["function"]["name"] == "edit"
    assert arguments["path"] == "team/names.py"
    assert arguments["old_str"] in CODE
    assert len(edit["pieces"]) > 4  # they came while they were written
