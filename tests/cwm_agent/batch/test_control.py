"""The control socket: one line asks, one line answers, wherever the run's folder lies."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest

from cwm_agent.batch.control import Answer, Request, ask, serve
from cwm_agent.errors import NotReadyError, UsageError


def answer(request: Request) -> Answer:
    if request["command"] == "refuse":
        raise UsageError("not now")
    return {"heard": request["command"]}


def test_questions_are_answered_in_a_folder_too_deep_for_a_socket_address(tmp_path: Path) -> None:
    folder = tmp_path / ("deep" * 30)
    folder.mkdir()
    with serve(folder, answer) as path:
        assert path.stat().st_mode & 0o777 == 0o600
        assert ask(folder, {"command": "status"}) == {"ok": True, "heard": "status"}
        with pytest.raises(UsageError, match="not now"):
            ask(folder, {"command": "refuse"})
        with pytest.raises(UsageError, match="command"):
            ask(folder, {})
    assert not path.exists()
    with pytest.raises(NotReadyError, match="no process is working on run"):
        ask(folder, {"command": "status"})


def test_a_dead_socket_is_replaced_and_a_silent_client_holds_up_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    dead = socket.socket(socket.AF_UNIX)
    dead.bind("control.sock")
    dead.close()
    with serve(tmp_path, answer), socket.socket(socket.AF_UNIX) as silent:
        silent.connect("control.sock")
        assert ask(tmp_path, {"command": "status"})["heard"] == "status"
        silent.sendall(b"nonsense\n")
        assert json.loads(silent.recv(1000))["ok"] is False
