"""Grades patches with the official swebench package, one at a time, in a process that may be ended.

The verdict is the package's own. What is added: a deadline for the whole
grading and not only for the tests, containers that are found again after a
kill, and an outcome that tells failures of the infrastructure apart.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import select
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from envs.docker.engine import connect_engine
from envs.errors import SandboxError
from envs.swebench.grader_process import GradeAnswer, GradeJob, log_folder, remove_containers
from envs.swebench.outcome import Judged, judge
from results.codec import decode, encode
from results.found import Enforced
from results.predictions import digest
from results.records import Verdict
from results.scores import ScoreOutcome
from results.store import folder_name

TEST_SECONDS = 1800
"""How long the tests of one instance may take; the official default."""
GRACE_SECONDS = 300.0
"""What a grading may take beside its tests."""
END_SECONDS = 60.0
"""How long a process that is ended may take to remove its container."""
CLEAR_SECONDS = 30.0
"""How long the engine may be silent when a container of an ended process is removed."""


@dataclass(frozen=True, slots=True)
class Graded:
    """One grading. `log` is the folder of the grader's files, relative to the grader's own.

    `image` is the id of the image that was used, "" where it came to none.
    `failure` and `environmental` are those of `results.scores.Score`.
    """

    outcome: ScoreOutcome
    verdict: Verdict
    seconds: float
    log: str = ""
    image: str = ""
    failure: str = ""
    environmental: bool = False
    enforced: Enforced | None = None


@dataclass(frozen=True, slots=True)
class GradeOptions:
    """`timeout` is for the tests, `grace` for all the rest, in seconds.

    The official grader leaves containers on the engine's default network;
    without `network` they have none.
    """

    timeout: int = TEST_SECONDS
    grace: float = GRACE_SECONDS
    network: bool = True


class Grader:
    """One process that grades in `folder`; it is started when needed, and again when it ended."""

    def __init__(self, folder: Path, options: GradeOptions | None = None) -> None:
        self._folder = folder
        self._options = options or GradeOptions()
        self._process: subprocess.Popen[bytes] | None = None
        self._closed = False

    def grade(
        self, row: Mapping[str, Any], patch: str, model: str = "model", *, apply: bool = True
    ) -> Graded:
        """Grade `patch` on the row; without `apply` the repository as it is, tests and all."""
        begun = time.monotonic()
        try:
            patch.encode()
        except UnicodeEncodeError:
            said = "the patch is not UTF-8, so the official grader cannot apply it"
            return Graded("not_applied", Verdict(False, detail=said), 0.0)
        job = GradeJob(
            row=dict(row),
            patch=patch,
            model=folder_name(model),
            run=f"{digest(patch)[:12]}-{secrets.token_hex(3)}",
            timeout=self._options.timeout,
            apply=apply,
            network=self._options.network,
        )
        log = log_folder(job.run, job.model, str(row["instance_id"]))
        answer, judged = self._judge(job, self._folder / log)
        return Graded(
            judged.outcome,
            judged.verdict,
            round(time.monotonic() - begun, 3),
            log.as_posix(),
            answer.image,
            answer.failure,
            answer.environmental,
            answer.enforced,
        )

    def close(self) -> None:
        """End the process, even in the middle of a grading; its container is removed."""
        self._closed = True
        self._end()

    def __enter__(self) -> Grader:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _judge(self, job: GradeJob, log: Path) -> tuple[GradeAnswer, Judged]:
        try:
            line = self._ask(json.dumps(encode(job)) + "\n")
        except (OSError, ValueError, _NoAnswerError) as error:  # ValueError: closed meanwhile
            self._end()
            _clear(job.run)
            return GradeAnswer(None), Judged("infrastructure", Verdict(False, detail=str(error)))
        answer = decode(GradeAnswer, json.loads(line))
        return answer, judge(answer.report, log, answer.detail)

    def _ask(self, question: str) -> bytes:
        process = self._running()
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(question.encode("ascii"))
        process.stdin.flush()
        allowed = self._options.timeout + self._options.grace
        deadline = time.monotonic() + allowed
        answer = b""
        while not answer.endswith(b"\n"):
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([process.stdout], [], [], left)[0]:
                raise _NoAnswerError(f"the grading took more than {allowed:.0f} s and was ended")
            part = os.read(process.stdout.fileno(), 1 << 20)
            if not part:
                raise _NoAnswerError(f"the grader ended (exit {process.wait()}); see grader.log")
            answer += part
        return answer

    def _running(self) -> subprocess.Popen[bytes]:
        if self._closed:
            raise _NoAnswerError("the grader was closed")
        if self._process is None or self._process.poll() is not None:
            self._folder.mkdir(parents=True, exist_ok=True)
            with (self._folder / "grader.log").open("ab") as log:
                self._process = subprocess.Popen(
                    [sys.executable, "-P", "-m", "envs.swebench.grader_process"],
                    cwd=self._folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log,
                    start_new_session=True,  # Ctrl-C is ours to handle
                )  # fmt: skip
        return self._process

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        with contextlib.suppress(OSError):
            if process.stdin is not None:
                process.stdin.close()
        process.terminate()
        try:
            process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()


def _clear(run: str) -> None:
    """Remove what a process that was killed could not; an engine that is gone keeps it."""
    from docker.errors import DockerException

    with (
        contextlib.suppress(SandboxError, DockerException, OSError),
        contextlib.closing(connect_engine(timeout=CLEAR_SECONDS)) as client,
    ):
        remove_containers(client, run)


class _NoAnswerError(Exception):
    """The process gave no answer to a job."""
