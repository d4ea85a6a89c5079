"""A fresh sandbox is made ready by the setup commands, or it is said what they failed by."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from envs.errors import SandboxError
from envs.repository import layout
from envs.repository.layout import lay_out
from envs.task import IssueTask

if TYPE_CHECKING:
    from ..conftest import LocalSandbox


def test_setup_commands_run_in_their_order(sandbox: LocalSandbox) -> None:
    place = Path(sandbox.folder) / "made"
    lay_out(sandbox, IssueTask("i", "issue", setup=(f"echo one > {place}", f"echo two >> {place}")))
    assert place.read_text() == "one\ntwo\n"


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("seq 9; exit 4", r"failed \(exit code 4\).*Its last output: 7 / 8 / 9$"),
        ("false", r"failed \(exit code 1\).*Its last output: none$"),
        ("sleep 60", r"failed \(it took more than 0 minutes\); fix it"),
    ],
)
def test_a_setup_command_that_fails_or_hangs_is_named_with_its_last_words(
    sandbox: LocalSandbox, monkeypatch: pytest.MonkeyPatch, command: str, said: str
) -> None:
    monkeypatch.setattr(layout, "SETUP_SECONDS", 1.0 if "sleep" in command else 1800.0)
    with pytest.raises(SandboxError, match=said) as failed:
        lay_out(sandbox, IssueTask("i", "issue", setup=(command, "touch /never")))
    assert failed.value.cause == "setup"
    assert not Path("/never").exists()
