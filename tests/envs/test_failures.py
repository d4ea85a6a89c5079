"""Every cause has a class, and only what is nobody's turn is done again."""

from __future__ import annotations

from typing import get_args

import pytest

from envs.errors import PatchError, SandboxError
from envs.failures import FAILURES, may_pass
from envs.shell.stream import StreamClosed
from tools.workspace import Cause

AGENTS = {
    "timeout", "interactive", "shell_ended", "killed", "out_of_memory", "process_limit",
    "disk_full",
}  # fmt: skip


def test_the_table_knows_every_cause_and_no_other() -> None:
    assert set(FAILURES) == set(get_args(Cause))


def test_what_a_command_does_is_the_agents() -> None:
    assert {cause for cause, failure in FAILURES.items() if failure.blame == "agent"} == AGENTS


@pytest.mark.parametrize("cause", sorted(AGENTS))
def test_an_agents_failure_is_never_repeated(cause: Cause) -> None:
    assert not may_pass(cause)


def test_only_passing_failures_of_the_infrastructure_are_repeated() -> None:
    passing = {cause for cause in FAILURES if may_pass(cause)}
    assert passing == {
        "container_gone", "container_paused", "engine_unreachable", "shell_unusable",
        "sandbox_broken", "model_unreachable",
    }  # fmt: skip
    assert not may_pass(None)


def test_errors_carry_their_cause() -> None:
    assert SandboxError("no repository").cause == "setup"
    assert PatchError("does not apply").cause == "setup"
    assert StreamClosed("gone").cause == "shell_unusable"
    assert SandboxError("no engine", cause="engine_unreachable").cause == "engine_unreachable"
