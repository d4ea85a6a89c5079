"""The debug adapter: an independent client, Microsoft's schema, and debugpy beside it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from dap_client import Talk, check
from scripted import SOURCE, truthful_opening

from cwm_agent.debug.dap.serve import serve_port
from cwm_agent.debug.dap.wire import ProtocolError, Wire


@contextmanager
def session(folder: Path, **launch: Any) -> Iterator[Talk]:
    """A client that has launched the program; breakpoints can be set before `begin`."""
    path = folder / "program.py"
    path.write_text(SOURCE)
    ports: list[int] = []
    ready = threading.Event()

    def listening(port: int) -> None:
        ports.append(port)
        ready.set()

    def serve() -> None:
        serve_port(truthful_opening, 0, listening, once=True)

    thread = threading.Thread(target=serve)
    thread.start()
    assert ready.wait(60)
    with socket.create_connection(("127.0.0.1", ports[0])) as connection:
        talk = Talk(connection.sendall, lambda: connection.recv(65536))
        talk.flush()  # the client's own initialize
        talk.wait(lambda m: m["type"] == "response" and m["command"] == "initialize")
        talk.event("initialized")
        talk.request("launch", {"program": str(path), **launch})
        yield talk
        talk.request("disconnect")
    thread.join(60)
    assert not thread.is_alive()


def begin(talk: Talk) -> int:
    """The line of the first stop."""
    talk.request("configurationDone")
    talk.event("stopped")
    return line(talk)


def line(talk: Talk) -> int:
    frames = talk.request("stackTrace", {"threadId": 1})["stackFrames"]
    return int(frames[0]["line"])


def go(talk: Talk, command: str) -> int | str:
    talk.request(command, {"threadId": 1})
    event = talk.event("stopped", "terminated")
    return line(talk) if event["event"] == "stopped" else "terminated"


def values(talk: Talk) -> dict[str, str]:
    frame = talk.request("stackTrace", {"threadId": 1})["stackFrames"][0]["id"]
    scope = talk.request("scopes", {"frameId": frame})["scopes"][0]["variablesReference"]
    found = talk.request("variables", {"variablesReference": scope})["variables"]
    return {one["name"]: one["value"] for one in found}


def test_a_client_steps_forth_and_back_and_changes_a_variable(tmp_path: Path) -> None:
    with session(tmp_path) as talk:
        assert begin(talk) == 10
        assert [go(talk, "next"), go(talk, "stepIn"), go(talk, "next")] == [11, 2, 3]
        assert values(talk) == {"items": "[3, 8, 5]", "limit": "4", "result": "0"}
        assert [go(talk, "stepBack"), go(talk, "stepBack")] == [2, 11]
        assert [go(talk, "stepIn"), go(talk, "stepOut")] == [2, 12]
        assert values(talk) == {"values": "[3, 8, 5]", "result": "13"}
        assert talk.request("evaluate", {"expression": "result + 1"})["result"] == "14"
        talk.request("setVariable", {"variablesReference": 1, "name": "result", "value": "20"})
        assert values(talk)["result"] == "20"
        wrong = talk.try_request("evaluate", {"expression": "nothing"})
        assert not wrong["success"]
        assert "not defined" in wrong["message"]
        assert go(talk, "continue") == "terminated"
        assert talk.understood > 20
        assert all(name.endswith("Done") or name == "NextResponse" for name in talk.unread)


def test_breakpoints_stop_with_their_condition_in_both_directions(tmp_path: Path) -> None:
    with session(tmp_path, stopOnEntry=False) as talk:
        source = {"path": str(tmp_path / "program.py")}
        wanted = [{"line": 5}, {"line": 6, "condition": "result == 1"}, {"line": 8}]
        placed = talk.request("setBreakpoints", {"source": source, "breakpoints": wanted})
        assert [one["verified"] for one in placed["breakpoints"]] == [True, True, False]
        assert begin(talk) == 5
        assert [go(talk, "continue"), go(talk, "continue"), go(talk, "continue")] == [5, 5, 6]
        assert values(talk)["result"] == "1"
        assert [go(talk, "reverseContinue"), go(talk, "reverseContinue")] == [5, 5]
        said = talk.request("evaluate", {"expression": "verify", "context": "repl"})["result"]
        assert said.startswith("true: all")


def test_with_jumps_a_request_is_one_prediction_and_says_so(tmp_path: Path) -> None:
    with session(tmp_path, jumps=True) as talk:
        source = {"path": str(tmp_path / "program.py")}
        assert begin(talk) == 10
        assert go(talk, "next") == 11
        talk.request("next", {"threadId": 1})
        body = talk.event("stopped")["body"]
        assert line(talk) == 12
        assert body["description"] == "Jump, step over: perhaps over the call of total()"
        assert [go(talk, "stepBack"), go(talk, "stepIn"), go(talk, "stepOut")] == [11, 2, 12]
        assert [go(talk, "stepBack"), go(talk, "stepBack")] == [2, 11]
        wanted = [{"line": 5}]
        talk.request("setBreakpoints", {"source": source, "breakpoints": wanted})
        assert go(talk, "continue") == 5
        assert values(talk)["item"] == "8"
        talk.request("setVariable", {"variablesReference": 2, "name": "result", "value": "20"})
        assert values(talk)["result"] == "20"
        assert go(talk, "stepBack") == 11
        wanted.append({"line": 6})
        talk.request("setBreakpoints", {"source": source, "breakpoints": wanted})
        talk.request("continue", {"threadId": 1})
        said = talk.event("output")["body"]["output"]
        assert said == "step by step: an action knows one breakpoint, and there are several\n"
        talk.event("stopped")
        assert line(talk) == 5
        said = talk.request("evaluate", {"expression": "verify", "context": "repl"})["result"]
        assert said.startswith("true: all")
        talk.request("setBreakpoints", {"source": source, "breakpoints": []})
        assert go(talk, "continue") == "terminated"


def test_requests_that_make_no_sense_are_refused_and_the_session_goes_on(tmp_path: Path) -> None:
    with session(tmp_path) as talk:
        begin(talk)
        for command, arguments in (
            ("nonsense", {}),
            ("scopes", {}),
            ("setVariable", {"variablesReference": 7, "name": "x", "value": "1"}),
            ("evaluate", {"expression": "open('x')"}),
        ):
            assert not talk.try_request(command, arguments)["success"]
        assert go(talk, "next") == 11


@pytest.mark.parametrize("data", [b"Content-Length: x\r\n\r\n", b"Content-Length: 2\r\n\r\n[]"])
def test_what_is_no_message_is_an_error_with_a_reason(data: bytes) -> None:
    with pytest.raises(ProtocolError):
        Wire(BytesIO(data), BytesIO()).read()


def test_a_stream_that_ends_inside_a_message_is_over() -> None:
    assert Wire(BytesIO(b"Content-Length: 9\r\n\r\n{}"), BytesIO()).read() is None


def test_the_schema_refuses_what_it_should() -> None:
    with pytest.raises(jsonschema.ValidationError):
        check({"seq": 1, "type": "event", "event": "stopped", "body": {}})


@contextmanager
def debugpy_session(path: Path, breakpoints: list[int]) -> Iterator[Talk]:
    """debugpy's own adapter, stopped for the first time in the same program."""
    with subprocess.Popen(
        [sys.executable, "-Xfrozen_modules=off", "-m", "debugpy.adapter"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdin
        assert process.stdout
        stdin, out = process.stdin, process.stdout.fileno()

        def send(data: bytes) -> None:
            stdin.write(data)
            stdin.flush()

        talk = Talk(send, lambda: os.read(out, 65536), strict=False)
        talk.flush()
        talk.wait(lambda m: m["type"] == "response" and m["command"] == "initialize")
        launch = {"program": str(path), "console": "internalConsole", "python": [sys.executable]}
        talk.post("launch", launch)
        talk.event("initialized")
        wanted = [{"line": one} for one in breakpoints]
        talk.request("setBreakpoints", {"source": {"path": str(path)}, "breakpoints": wanted})
        talk.request("configurationDone")
        yield talk
        talk.post("disconnect", {"terminateDebuggee": True})
        stdin.close()
        process.wait(60)


def walk(talk: Talk, commands: list[str]) -> list[int]:
    """The lines at which a client stops, the first stop included."""
    lines = []
    for command in [*commands, ""]:
        thread = talk.event("stopped")["body"]["threadId"]
        frames = talk.request("stackTrace", {"threadId": thread})["stackFrames"]
        lines.append(int(frames[0]["line"]))
        if command:
            talk.request(command, {"threadId": thread})
    return lines


@pytest.mark.slow  # debugpy takes ten seconds to start
def test_debugpy_stops_at_the_same_lines(tmp_path: Path) -> None:
    commands = ["next", "stepIn", "next", "next", "next", "continue", "continue", "next"]
    with session(tmp_path, stopOnEntry=False) as talk:
        source = {"path": str(tmp_path / "program.py")}
        wanted = [{"line": 10}, {"line": 5}]
        talk.request("setBreakpoints", {"source": source, "breakpoints": wanted})
        talk.post("configurationDone")
        ours = walk(talk, commands)
    real = tmp_path / "real.py"
    real.write_text(SOURCE + "\n\nmain()\n")
    with debugpy_session(real, [10, 5]) as talk:
        theirs = walk(talk, commands)
    assert ours == theirs
