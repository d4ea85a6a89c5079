"""`score --control` over Harbor tasks: the oracle's solution, or nothing, and their own tests."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path

from cwm_agent.attempt.sandboxes import SandboxMaker
from cwm_agent.config.settings import SandboxSettings
from cwm_agent.policies.choice import PolicyChoice
from cwm_agent.scoring.candidates import Control
from cwm_agent.scoring.score import Scored, ScoreOptions, write_report
from cwm_agent.tasks.harbor import plan_task, read_suite
from envs.errors import SandboxError
from envs.harbor.opening import make_ready
from envs.harbor.task import HarborTask
from envs.harbor.verifier import run_oracle, run_tests
from envs.progress import Say, quiet
from envs.registry import choose_kind
from envs.sandbox.owner import boot_id
from envs.sandbox.sandbox import Owner
from results.records import Verdict
from results.reports.report import Heading, Line
from results.scores import ScoreOutcome


@dataclass(frozen=True, slots=True)
class Checker:
    """Does a control for one task at a time, each in a container of its own."""

    control: Control
    settings: SandboxSettings
    progress: Say
    run: str = field(default_factory=lambda: f"control-{os.getpid()}")

    def __call__(self, task: HarborTask) -> Line:
        """The line of the report; a failure of the infrastructure is one, too."""
        try:
            verdict = self._verdict(task)
            outcome: ScoreOutcome = "resolved" if verdict.resolved else "unresolved"
        except SandboxError as error:
            verdict, outcome = Verdict(False, detail=str(error)), "infrastructure"
        self.progress(f"{task.id}: {outcome} ({verdict.detail})")
        return Line(
            task.id, 0, task.repository, task.difficulty, outcome, verdict.detail,
            verdict.fail_to_pass, model=self.control,
        )  # fmt: skip

    def _verdict(self, task: HarborTask) -> Verdict:
        granted = self.settings.network or bool(self.settings.allow_hosts)
        job = plan_task(
            task, PolicyChoice("human"), choose_kind("docker"), network=granted, say=self.progress
        )
        owner = Owner(self.run, task.id, 0, os.getpid(), boot_id())
        maker = SandboxMaker(job, self.settings, owner, quiet)
        maker.prepare()
        root = maker.locate().root
        with maker.make() as sandbox:
            make_ready(task, sandbox, root)
            wrong = run_oracle(task, sandbox, root) if self.control == "gold" else ""
            verdict = run_tests(task, sandbox, root)
        if wrong and not verdict.resolved:
            detail = "; ".join(filter(None, (verdict.detail, wrong)))
            return Verdict(False, verdict.fail_to_pass, detail=detail)
        return verdict


def score_tasks(
    control: Control,
    place: str,
    folder: Path,
    options: ScoreOptions,
    settings: SandboxSettings,
    progress: Say,
) -> Scored:
    """Do the control for the chosen tasks of a folder and write the report."""
    suite = read_suite(place, options.selection)
    for note in suite.left_out:
        progress(note)
    check = Checker(control, settings, progress)
    with ThreadPoolExecutor(options.pool.workers) as executor:
        lines = tuple(executor.map(check, suite.tasks))
    heading = Heading(
        f"control: {control}",
        Path(place).name,
        "",
        suite.size,
        f"the tests of its tasks (Harbor format), Docker by docker-py {metadata.version('docker')}",
        (control,),
        control=control,
    )
    return write_report(folder, heading, lines)
