"""Whose failure is it: the one table that retries, scores and reports go by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from tools.workspace import Cause


@dataclass(frozen=True, slots=True)
class Failure:
    """One class of failures.

    An agent's failure is part of the conversation: the model is told and goes
    on. An infrastructure failure says nothing about the model, so it is never
    kept as a result. `passing` ones may be over a while later, in a fresh sandbox.
    """

    blame: Literal["agent", "infrastructure"]
    passing: bool
    meaning: str


def _agent(meaning: str) -> Failure:
    return Failure("agent", False, meaning)


def _passing(meaning: str) -> Failure:
    return Failure("infrastructure", True, meaning)


def _lasting(meaning: str) -> Failure:
    return Failure("infrastructure", False, meaning)


FAILURES: Mapping[Cause, Failure] = {
    "timeout": _agent("the command reached its time limit"),
    "interactive": _agent("the command ran a program that waits for a person"),
    "shell_ended": _agent("the command ended the shell that ran it"),
    "killed": _agent("a process was killed by a signal from inside the sandbox"),
    "out_of_memory": _agent("the sandbox's memory limit was reached and a process was killed"),
    "process_limit": _agent("the sandbox's limit of processes was reached"),
    "disk_full": _agent("the sandbox's disk limit was reached"),
    "container_gone": _passing("the sandbox was stopped or removed from outside"),
    "container_paused": _passing("the container was paused from outside"),
    "engine_unreachable": _passing("the container engine does not answer"),
    "shell_unusable": _passing("no shell in the sandbox answers any more"),
    "sandbox_broken": _passing("the harness's own commands failed after a command of the agent"),
    "host_disk_full": _lasting("the disk of this machine is full"),
    "image_missing": _lasting("the image is not on this machine"),
    "not_available": _lasting("this machine cannot make such a sandbox"),
    "setup": _lasting("the sandbox cannot be made ready for the task"),
    "model_unreachable": _passing("no server of the model answers"),
    "model_refused": _lasting("a server of the model refuses what it is asked"),
}


SUSPECT: frozenset[Cause] = frozenset({"container_gone", "shell_unusable", "sandbox_broken"})
"""Causes that an action may be behind: that of the agent when it has them in two sandboxes."""


def may_pass(cause: Cause | None) -> bool:
    """Whether another try in a fresh sandbox may do what failed for this cause."""
    return cause is not None and FAILURES[cause].passing


def known(cause: str | None) -> Cause | None:
    """The cause as the table knows it; a record may come from a newer version."""
    return next((each for each in FAILURES if each == cause), None)
