"""Test-time scaling on new generated tasks: sample, gather evidence, choose, judge.

Everything is kept in a run folder, so that a stopped measurement goes on and
`cwm-agent study` can be asked about it later. The hidden tests are looked at
last, and nothing before them sees them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cwm_agent.attempt.attempt import Rules
from cwm_agent.batch.attempt_state import AttemptState, tickets_of
from cwm_agent.batch.local.executor import local_executor
from cwm_agent.batch.runner import Runner
from cwm_agent.config.resolve import Resolved, load_settings
from cwm_agent.generated.repository import instance_name, issue_task, repository_once
from cwm_agent.generated.task import MEASURED, NanoTask, Split, draw_task
from cwm_agent.policies import bundled
from cwm_agent.policies.choice import PolicyChoice
from cwm_agent.scaling.labels import LABELS_FILE, Labels, load_labels, save_labels
from cwm_agent.tasks.inputs import Request, read_repository
from cwm_agent.tasks.job import Job
from cwm_agent.tasks.planning import model_settings
from envs.progress import Say
from envs.registry import choose_kind
from envs.repository.verify import Verifier
from envs.sandbox.sandbox import Sandbox
from results.records import Graded
from results.store import Run, Store


@dataclass(frozen=True, slots=True)
class ScalingBench:
    """What to measure. The tasks follow from `seed`; with `name` a run is kept and gone on with."""

    tasks: int
    samples: int = 8
    seed: int = 1
    sets: tuple[Split, ...] = MEASURED
    workers: int = 8
    sandbox: str = "auto"
    runs: Path | None = None
    name: str | None = None

    def task(self, number: int) -> NanoTask:
        """One of the tasks; the sets take turns."""
        return draw_task(f"scaling/{self.seed}/{number}", self.sets[number % len(self.sets)])


def settings_of(bench: ScalingBench, runs: Path) -> Resolved:
    """The bundled model's settings, for several samples an issue."""
    flags = {
        "samples": bench.samples,
        "batch.workers": bench.workers,
        "sampling.seed": bench.seed,
        "sandbox.kind": choose_kind(bench.sandbox),
        "runs": str(runs),
    }
    return model_settings(Request(), load_settings(flags=flags))


def open_run(bench: ScalingBench, rules: Rules, store: Store) -> Run:
    """The run of this name, new where there is none."""
    if bench.name is not None and (store.root / bench.name / "run.json").exists():
        return store.open(bench.name)
    return store.create(rules.run_info(), bench.name)


def job_of(run: Run, task: NanoTask, kind: str) -> Job:
    """A task as a job that knows no tests: they are for the judge alone."""
    name = instance_name(task)
    repository = repository_once(task, run.folder / "repositories" / name)
    return Job(
        instance=name,
        issue=issue_task(task, repository).issue,
        policy=PolicyChoice("embedded", str(bundled.folder())),
        sandbox=kind,
        checkout=read_repository(repository, dirty=False),
    )


def sample(run: Run, rules: Rules, jobs: list[Job], say: Say) -> list[AttemptState]:
    """Every sample of every job that has no result yet, several at a time."""
    settings = rules.resolved.settings
    tickets = tickets_of(run, jobs, settings.samples)
    waiting = [ticket for ticket in tickets if ticket.state == "waiting"]
    done = len(tickets) - len(waiting)

    def over(ticket: AttemptState) -> None:
        nonlocal done
        executor.over(ticket)
        done += 1
        if done % 50 == 0 or done == len(tickets):
            say(f"sampled {done} of {len(tickets)}")

    with local_executor(run, rules, waiting, say, say) as executor:
        runner = Runner(
            tickets,
            executor,
            workers=settings.batch.workers,
            retries=settings.sandbox.retries,
            over=over,
            log=say,
            resized=executor.resize,
        )
        runner.run()
    return tickets


def judge(bench: ScalingBench, run: Run, make: Callable[[], Sandbox], say: Say) -> list[Labels]:
    """What the hidden tests say of each candidate, also written beside its table."""
    verifier = Verifier(make)
    found = []
    for number in range(bench.tasks):
        task = bench.task(number)
        name = instance_name(task)
        path = run.folder / name / LABELS_FILE
        labels = load_labels(path)
        attempts = [run.find(name, sample) for sample in range(bench.samples)]
        results = [result for one in attempts if (result := one.result()) is not None]
        if labels is None or len(labels.right) < len(results):
            real = issue_task(task, run.folder / "repositories" / name)
            patches = sorted({result.patch for result in results if result.patch.strip()})
            good = {patch for patch in patches if verifier.verify(real, patch).resolved}
            labels = Labels(name, {str(r.sample): r.patch in good for r in results})
            save_labels(path, labels)
        found.append(labels)
        if (number + 1) % 25 == 0:
            say(f"judged {number + 1} of {bench.tasks}")
    return found


def grade_cached_share(run: Run) -> float | None:
    """Of the tokens of all finished conversations, those that their grades did not compute."""
    context = cached = 0
    for attempt in run.attempts():
        for entry in attempt.entries():
            if isinstance(entry.event, Graded):
                context += entry.event.context_tokens
                cached += entry.event.cached_tokens
    return cached / context if context else None
