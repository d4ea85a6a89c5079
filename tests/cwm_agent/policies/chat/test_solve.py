"""`solve` with a model behind a chat API: to its end, on from its journal, and up to its limit."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from cases import CHECK, EDIT, Solve
from chat_server import ChatServer, Turn, chatting, refusal

from results.records import AttemptStarted, Observed, Replied

TASK = ("add subtracts", "--repo", "repository", "--sandbox", "bubblewrap", "--name", "run")
KEY = "sk-secret"
FIX = {"path": "calc.py", "old_lines": "    return a - b\n", "new_lines": "    return a + b\n"}
LS, EDITS, SUBMITS = (
    Turn("I look.", [("bash", {"commands": "cat calc.py"})], "Where?", usage={
        "prompt_tokens": 900, "completion_tokens": 30, "cost": 0.25}),
    Turn(calls=[("edit", FIX)]),
    Turn(calls=[("submit", {"result": ""})]),
)  # fmt: skip
FULL = refusal("prompt is too long: 210000 tokens > 200000 maximum")


@pytest.fixture
def server() -> Iterator[ChatServer]:
    with chatting(ChatServer(key=KEY)) as server:
        yield server


@pytest.mark.parametrize("api", ["openai", "anthropic"])
def test_it_solves_with_functions_and_resumes_as_it_began(
    solve: Solve, server: ChatServer, api: str
) -> None:
    solve.environment["CWM_AGENT_API_KEY"] = KEY
    server.says(LS, EDITS, refusal("your account is closed", 402))
    asked = ("--model", f"{api}:scripted", "--url", server.url)
    answer = solve.json(*TASK, *asked, code=5)
    assert (answer["exit_reason"], answer["cause"]) == ("policy_error", "model_refused")
    server.says(SUBMITS, "Done.")
    server.probe = "text"  # which is no matter for what has begun
    answer = solve.json("--resume", "run")
    assert (answer["exit_reason"], answer["policy"]) == ("submitted", f"{api}:scripted")
    assert answer["patch"].count("\n+    return a + b") == 1
    events = solve.events("run")
    started = next(event for event in events if isinstance(event, AttemptStarted))
    assert started.capabilities is not None
    assert (started.capabilities.tool_calls, started.capabilities.evidence) == (
        "native", "asked for a call of a function, it made one",
    )  # fmt: skip
    system = next(event for event in events if isinstance(event, Observed)).messages[0]
    assert "<tool:" not in system.text
    assert "bash: Runs [commands]" in system.text
    said = [event.reply for event in events if isinstance(event, Replied)]
    assert [reply.text for reply in said[1:]] == [EDIT, "<tool: submit>\n\n</tool>", "Done."]
    before, after = (server.bodies[number]["messages"] for number in (2, 3))
    assert after[: len(before) - 1] == before[:-1]
    kept = [path for path in (solve.folder / "runs").rglob("*") if path.is_file()]
    assert kept
    assert not any(KEY.encode() in path.read_bytes() for path in kept)


def test_a_model_without_functions_solves_in_text(solve: Solve, server: ChatServer) -> None:
    key = solve.folder / "key"
    key.write_text(KEY)
    server.probe = "text"
    server.says(EDIT.removesuffix("</tool>"), CHECK, "<tool: submit>\n\n", "Done.")
    asked = ("--model", "openai:scripted", "--url", server.url)
    answer = solve.json(*TASK, *asked, "--set", f"endpoint.key_file={key}")
    assert answer["exit_reason"] == "submitted"
    assert "<tool: bash>" in server.bodies[0]["messages"][0]["content"]


@pytest.mark.parametrize("api", ["openai", "anthropic"])
def test_a_conversation_that_is_too_long_ends_with_what_there_is(
    solve: Solve, server: ChatServer, api: str
) -> None:
    server.key = None
    finish = {"openai": "length", "anthropic": "max_tokens"}[api]
    cut = Turn(calls=[("bash", '{"commands": "ls')], finish=finish)
    server.says(EDITS, cut, Turn(calls=[("bash", "no JSON")]), Turn(), *[FULL] * 9)
    answer = solve.json(*TASK, "--model", f"{api}:scripted", "--url", server.url, code=6)
    assert answer["exit_reason"] == "token_limit"
    assert "longer than the model can read" in answer["detail"]
    assert answer["turns"] == 4
    assert "+    return a + b" in answer["patch"]
    observed = [e.messages[0].text for e in solve.events("run") if isinstance(e, Observed)]
    assert "cut off" in observed[2]
    assert "the call of tool 'bash' is empty" in observed[3]
    assert "no tool call found" in observed[4]
