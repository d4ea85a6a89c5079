"""What works on attempts on a node: the same work as in one process, told and asked from outside.

Nothing here knows Ray. The executor makes an actor of `AttemptWorker`, which
takes one slot of its node, works on one attempt after the other, and answers
questions while it does.
"""

from __future__ import annotations

import pickle
import platform
import time
import traceback
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from cwm_agent.attempt.attempt import Rules
from cwm_agent.batch.attempt_state import AttemptState, State
from cwm_agent.batch.local.policies import Policies
from cwm_agent.batch.local.work import open_work
from cwm_agent.cluster.lifeline import Lifeline
from cwm_agent.cluster.remote import RemotePolicy, ReplicaHandle
from cwm_agent.errors import LostError
from cwm_agent.policies.choice import PolicyChoice
from cwm_agent.policies.choose import OpenPolicy
from cwm_agent.tasks.job import Job
from results.records import AttemptResult
from results.store import Run

JOURNAL_TIMEOUT = 120.0
"""Seconds that the last writer of a journal may take to let go of it: longer than the lifeline
of a worker that nobody reaches. Where the machine itself is gone, an NFS server keeps its locks
for one lease, 90 s by default."""


@dataclass(frozen=True, slots=True)
class Assignment:
    """One try at an attempt. `key` names it, and its conversation in the engine."""

    key: str
    job: Job
    sample: int
    replica: ReplicaHandle | None = None


@dataclass(frozen=True, slots=True)
class AttemptProgress:
    """How the attempt stands; `silent` is for how many seconds nothing was heard of it."""

    state: State
    doing: str
    turn: int
    tokens: int
    silent: float

    @classmethod
    def of(cls, attempt: AttemptState) -> AttemptProgress:
        """Of this moment."""
        silent = time.monotonic() - attempt.since
        return cls(attempt.state, attempt.doing, attempt.turn, attempt.tokens, silent)

    def copy_to(self, attempt: AttemptState) -> None:
        """Copy it to the state that the head process keeps."""
        attempt.state, attempt.doing = self.state, self.doing
        attempt.turn, attempt.tokens = self.turn, self.tokens
        attempt.since = time.monotonic() - self.silent


@dataclass(frozen=True, slots=True)
class Failure:
    """An error that ended a try, to be raised where the runner is."""

    error: Exception


class AttemptWorker:
    """Attempts of one run, in a process of their own on a node."""

    def __init__(self, folder: Path, rules: Rules) -> None:
        """`folder` is the run's, on storage that all nodes share."""
        self._stack = ExitStack()
        run = Run(folder)
        self._policies = Policies(rules.resolved.settings, _to_nobody)
        self._work = self._stack.enter_context(
            open_work(run, rules, [], self._open_policy, lock_timeout=JOURNAL_TIMEOUT)
        )
        self._stack.callback(self._policies.close)
        self._kept: list[AttemptState] = []
        self._assignment: Assignment | None = None
        self._policy: RemotePolicy | None = None
        self._lifeline: Lifeline | None = None

    def begin(self) -> str:
        """Tie this process to its node and to whoever asks for attempts; the node's name."""
        self._lifeline = Lifeline()
        return platform.node()

    def run(self, assignment: Assignment) -> AttemptResult | Failure:
        """Begin an attempt or go on with it; its result is in the run's folder, too."""
        attempt = AttemptState(assignment.job, assignment.sample, state="running")
        self._forget_others(attempt)
        self._kept.append(attempt)
        self._assignment = assignment
        self._policy = None
        if self._lifeline is not None:
            self._lifeline.hold()
        try:
            result = self._work(attempt)
        except Exception as error:  # noqa: BLE001 - it is raised again where the runner is
            return Failure(_portable(error))
        finally:
            self._assignment = None
            if self._lifeline is not None:
                self._lifeline.release()
        if result.exit_reason == "policy_error" and self._policy and self._policy.lost:
            return Failure(LostError(result.detail))
        return result

    def progress(self) -> AttemptProgress | None:
        """How the attempt that it works on stands; whoever runs one has to ask (see Lifeline)."""
        if self._lifeline is not None:
            self._lifeline.renew()
        return AttemptProgress.of(self._kept[-1]) if self._assignment else None

    def stop(self, key: str, now: bool) -> None:
        """Let the try `key` end after its turn, or now; harmless when it is over."""
        assignment = self._assignment
        if assignment is not None and assignment.key == key:
            stop = self._kept[-1].stop
            stop.force() if now else stop.ask()

    def close(self) -> None:
        """Remove what it keeps."""
        self._stack.close()

    def _forget_others(self, attempt: AttemptState) -> None:
        """Samples of one instance share its repository and first test run; others need not."""
        if self._kept and self._kept[-1].job.instance != attempt.job.instance:
            for other in self._kept:
                self._work.files.over(other)
            self._kept.clear()

    @contextmanager
    def _open_policy(self, choice: PolicyChoice) -> Iterator[OpenPolicy]:
        assert self._assignment is not None
        if self._assignment.replica is None:
            with self._policies.open(choice) as opened:
                yield opened
            return
        info = self._assignment.replica.info
        self._policy = RemotePolicy(self._assignment.replica, self._assignment.key)
        yield OpenPolicy(self._policy, info.thinking, info.note, info.context_tokens)


def _to_nobody(text: str) -> None:
    del text


def _portable(error: Exception) -> Exception:
    """The error with what led to it as a note; another one with its text if it cannot travel."""
    error.add_note("".join(traceback.format_exception(error)))
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:  # noqa: BLE001 - whatever a foreign class does when it is copied
        copy = RuntimeError(f"{type(error).__name__}: {error}")
        copy.add_note(error.__notes__[-1])
        return copy
    return error
