"""The command `dap` with the bundled model, over both of its streams."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from dap_client import Talk

SOURCE = """\
def first(items, limit):
    result = limit
    for item in items:
        other = item
    return result


def main():  # << START_OF_TRACE
    result = first([3, 8], 4)
    return result
"""
COMMAND = [sys.executable, "-m", "cwm_agent", "dap"]

pytestmark = pytest.mark.slow  # a process that loads the engine


@contextmanager
def over_stdio() -> Iterator[Talk]:
    with subprocess.Popen(COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin
        assert process.stdout
        stdin, out = process.stdin, process.stdout.fileno()

        def send(data: bytes) -> None:
            stdin.write(data)
            stdin.flush()

        yield Talk(send, lambda: os.read(out, 65536))
        stdin.close()
        assert process.wait(60) == 0


@contextmanager
def over_tcp() -> Iterator[Talk]:
    command = [*COMMAND, "--port", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr
        port = int(process.stderr.readline().rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port)) as connection:
            yield Talk(connection.sendall, lambda: connection.recv(65536))
        process.terminate()


def line(talk: Talk) -> int:
    frames = talk.request("stackTrace", {"threadId": 1})["stackFrames"]
    return int(frames[0]["line"])


def go(talk: Talk, command: str) -> int:
    talk.request(command, {"threadId": 1})
    talk.event("stopped")
    return line(talk)


def values(talk: Talk) -> dict[str, str]:
    frame = talk.request("stackTrace", {"threadId": 1})["stackFrames"][0]["id"]
    scope = talk.request("scopes", {"frameId": frame})["scopes"][0]["variablesReference"]
    found = talk.request("variables", {"variablesReference": scope})["variables"]
    return {one["name"]: one["value"] for one in found}


@pytest.mark.parametrize("connect", [over_stdio, over_tcp])
def test_a_client_steps_forth_and_back_and_changes_a_variable(
    tmp_path: Path, connect: object
) -> None:
    path = tmp_path / "program.py"
    path.write_text(SOURCE)
    assert callable(connect)
    with connect() as talk:
        talk.flush()
        talk.wait(lambda m: m["type"] == "response" and m["command"] == "initialize")
        talk.event("initialized")
        talk.request("launch", {"program": str(path)})
        source = {"path": str(path)}
        talk.request("setBreakpoints", {"source": source, "breakpoints": [{"line": 5}]})
        talk.request("configurationDone")
        talk.event("stopped")
        assert line(talk) == 9
        # every step of this program is a move of values, so nothing of it can be mistaken
        assert [go(talk, name) for name in ("stepIn", "next", "next", "next")] == [2, 3, 4, 3]
        assert values(talk) == {
            "items": "[3, 8]", "limit": "4", "result": "4", "item": "3", "other": "3"
        }  # fmt: skip
        assert go(talk, "stepBack") == 4
        assert go(talk, "continue") == 5
        assert values(talk)["other"] == "8"
        reference = len(talk.request("stackTrace", {"threadId": 1})["stackFrames"])
        change = {"variablesReference": reference, "name": "result", "value": "20"}
        talk.request("setVariable", change)
        assert go(talk, "stepOut") == 10
        assert values(talk) == {"result": "20"}
        assert go(talk, "reverseContinue") == 5
        talk.request("disconnect")
