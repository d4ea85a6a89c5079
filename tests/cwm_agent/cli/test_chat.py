"""`cwm-agent chat`: one message, standard input, and a person at a terminal."""

from __future__ import annotations

import io
import json
import os
import pty
import select
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import pytest
from chat_server import ChatServer, Turn, chatting, refusal

Command = Callable[..., subprocess.CompletedProcess[str]]
SECONDS = 60
SHORT = ("--set", "limits.action_tokens=64")


@pytest.fixture
def server() -> Iterator[ChatServer]:
    with chatting(ChatServer()) as server:
        yield server


def asked(server: ChatServer, api: str = "openai") -> tuple[str, ...]:
    return "--model", f"{api}:scripted", "--url", server.url, *SHORT


@pytest.mark.parametrize("api", ["openai", "anthropic"])
def test_the_answer_is_output_and_the_thought_is_not(
    cwm_agent: Command, server: ChatServer, api: str
) -> None:
    server.says(Turn("A \x1b]0;burrito.", reasoning="What is it?"))
    done = cwm_agent("chat", "A monad?", "--system", "Be brief.", *asked(server, api))
    assert (done.returncode, done.stdout) == (0, "A ␛]0;burrito.\n")
    assert "What is it?" in done.stderr
    (body,) = server.bodies
    said = json.dumps([body.get("system"), body["messages"]])
    assert said.index("Be brief.") < said.index("A monad?")
    assert "tools" not in body


def test_json_has_the_servers_own_numbers(cwm_agent: Command, server: ChatServer) -> None:
    usage = {
        "prompt_tokens": 40,
        "completion_tokens": 7,
        "prompt_tokens_details": {"cached_tokens": 32},
        "cost": 0.5,
    }
    server.says(Turn("Yes.", usage=usage))
    done = cwm_agent("chat", "Well?", *asked(server), "--json")
    answer = json.loads(done.stdout)
    assert answer.pop("seconds") >= 0
    assert answer == {
        "text": "Yes.", "reasoning": "", "finish": "stop", "prompt_tokens": 40,
        "cached_tokens": 32, "written_tokens": 7, "cost": 0.5,
    }  # fmt: skip


def test_standard_input_is_one_message(
    cwm_agent: Command, server: ChatServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.says("Two lines.")
    monkeypatch.setattr("sys.stdin", io.StringIO("one\ntwo\n"))
    assert cwm_agent("chat", *asked(server)).stdout == "Two lines.\n"
    assert server.bodies[0]["messages"] == [{"role": "user", "content": "one\ntwo"}]
    monkeypatch.setattr("sys.stdin", io.StringIO("\n"))
    assert cwm_agent("chat", *asked(server)).returncode == 2


def test_a_message_that_is_too_long_and_a_refusal_end_with_their_codes(
    cwm_agent: Command, server: ChatServer
) -> None:
    full = refusal("maximum context length is 10 tokens", code="context_length_exceeded")
    server.says(full, refusal("no money", 402))
    done = cwm_agent("chat", "long", *asked(server))
    assert (done.returncode, done.stdout) == (6, "")
    assert "/new begins another" in done.stderr
    done = cwm_agent("chat", "short", *asked(server))
    assert done.returncode == 5
    assert "no money" in done.stderr
    server.models = [{"id": "scripted", "max_model_len": 300}]
    done = cwm_agent("chat", "long " * 900, *asked(server))
    assert (done.returncode, len(server.bodies)) == (6, 2)
    assert "its 300 tokens" in done.stderr


def test_a_person_talks_on_begins_anew_and_ends_with_control_d(server: ChatServer) -> None:
    server.says("First.", "Second.", refusal("prompt is too long: 9 tokens > 8 maximum"), "Third.")
    first = ("one\n", "First.", "> ", "two\n", "Second.", "> ", "three\n", "begins another", "> ")
    screen = typed(*first, "/new\n", "> ", "four\n", "Third.", "> ", "\x04", url=server.url)
    assert screen.count("> ") >= 5
    history = [[m["content"] for m in body["messages"]] for body in server.bodies]
    assert history[1] == ["one", "First.", "two"]
    assert history[-1] == ["four"]


def typed(*parts: str, url: str) -> str:
    """What a terminal shows: each part is typed, and then the next one is waited for.

    What is typed before the prompt may be lost where the terminal changes its mode.
    """
    controller, terminal = pty.openpty()
    command = [sys.executable, "-m", "cwm_agent", "chat", "--model", "openai:m", "--url", url]
    command += SHORT
    talk = subprocess.Popen(command, stdin=terminal, stdout=terminal, stderr=terminal)
    os.close(terminal)
    screen, seen = "", 0
    deadline = time.monotonic() + SECONDS
    try:
        for part in ("> ", *parts):
            if part.endswith(("\n", "\x04")):
                os.write(controller, part.encode())
                continue
            while part not in screen[seen:]:
                assert select.select([controller], [], [], deadline - time.monotonic())[0], screen
                screen += os.read(controller, 4096).decode()
            seen = screen.index(part, seen) + len(part)
        assert talk.wait(SECONDS) == 0
    finally:
        talk.kill()
        talk.wait()
        os.close(controller)
    return screen


@pytest.mark.slow
def test_the_bundled_model_answers(cwm_agent: Command) -> None:
    done = cwm_agent("chat", "hello", "--json", "--set", "limits.action_tokens=16")
    answer = json.loads(done.stdout)
    assert (answer["finish"], answer["written_tokens"]) == ("length", 16)
