"""Test-time scaling on new generated tasks: sample, gather evidence, choose, judge.

Everything is kept in a run folder, so that a stopped measurement goes on and
`cwm-agent study` can be asked about it later. The hidden tests are looked at
last, and nothing before them sees them.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from tempfile import TemporaryDirectory

from cwm_agent.attempt.attempt import Rules
from cwm_agent.batch.attempt_state import AttemptState, attempts_of
from cwm_agent.batch.local.executor import local_executor
from cwm_agent.batch.runner import Runner
from cwm_agent.bench.places import sandbox_maker
from cwm_agent.config.resolve import Resolved, load_settings
from cwm_agent.generated.repository import instance_name, issue_task, repository_once
from cwm_agent.generated.task import MEASURED, NanoTask, Split, draw_task
from cwm_agent.policies import bundled
from cwm_agent.policies.choice import PolicyChoice
from cwm_agent.scaling.gather import gather
from cwm_agent.scaling.labels import LABELS_FILE, Labels, load_labels, save_labels
from cwm_agent.scaling.study.cases import load_cases
from cwm_agent.scaling.study.lines import study_lines
from cwm_agent.scaling.study.study import Study, study
from cwm_agent.tasks.inputs import Request, read_repository
from cwm_agent.tasks.job import Job
from cwm_agent.tasks.planning import model_settings
from envs.progress import Say
from envs.registry import choose_kind
from envs.repository.verify import Verifier
from envs.sandbox.sandbox import Sandbox
from results.records import Graded, Replied
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


@dataclass(frozen=True, slots=True)
class ScalingFigures:
    """The study of the run; `greedy` is the share of tasks that sample 0 (temperature 0) solves.

    `grade_cached_share`: of the tokens of finished conversations, those that the grades did not
    compute again, and `grade_prompt_cached_share`: of these and the questions.
    `prefills_per_sample_16`: what 16 samples of an issue compute of their common opening, in
    openings, as the samples of this run shared it. `seconds` is the time of this call.
    """

    run: str
    study: Study
    greedy: float
    grade_cached_share: float | None
    grade_prompt_cached_share: float | None
    prefills_per_sample_16: float | None
    seconds: float

    def to_json(self) -> dict[str, object]:
        """One object: the study's, and what was measured beside it."""
        return {
            **self.study.to_json(),
            "greedy": round(self.greedy, 6),
            "grade_cached_share": _rounded(self.grade_cached_share),
            "grade_prompt_cached_share": _rounded(self.grade_prompt_cached_share),
            "prefills_per_sample_16": _rounded(self.prefills_per_sample_16),
            "seconds": round(self.seconds, 1),
            "run": self.run,
        }


def measure_scaling(bench: ScalingBench, say: Say) -> ScalingFigures:
    """Run the bench, or go on with it; raises ModelError or SandboxError."""
    began = time.monotonic()
    with ExitStack() as stack:
        runs = bench.runs or Path(stack.enter_context(TemporaryDirectory(prefix="cwm-agent-")))
        resolved = settings_of(bench, runs)
        rules = Rules.of(resolved)
        run = open_run(bench, rules, Store(runs))
        kind = resolved.settings.sandbox.kind
        jobs = [job_of(run, bench.task(number), kind) for number in range(bench.tasks)]
        sample(run, rules, jobs, say)
        names = {job.instance for job in jobs}
        for count, gathered in enumerate(gather(run, resolved, say, instances=sorted(names)), 1):
            if gathered.table is None:
                say(f"{gathered.instance}: no evidence: {gathered.error}")
            if count % 25 == 0:
                say(f"evidence about {count} of {len(jobs)}")
        make, _ = sandbox_maker(kind, say)
        labels = judge(bench, run, make, say)
        cases = [case for case in load_cases(run.folder) if case[0].instance in names]
        return ScalingFigures(
            str(run.folder),
            study(cases),
            sum(found.right.get("0", False) for found in labels) / len(labels),
            *grade_cached_shares(run),
            prefills(run, 16),
            time.monotonic() - began,
        )


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
    attempts = attempts_of(run, jobs, settings.samples)
    waiting = [attempt for attempt in attempts if attempt.state == "waiting"]
    done = len(attempts) - len(waiting)

    def over(attempt: AttemptState) -> None:
        nonlocal done
        executor.over(attempt)
        done += 1
        if done % 50 == 0 or done == len(attempts):
            say(f"sampled {done} of {len(attempts)}")

    with local_executor(run, rules, waiting, say, say) as executor:
        runner = Runner(
            attempts,
            executor,
            workers=settings.batch.workers,
            retries=settings.sandbox.retries,
            over=over,
            log=say,
            resized=executor.resize,
        )
        runner.run()
    return attempts


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


def grade_cached_shares(run: Run) -> tuple[float | None, float | None]:
    """Of the tokens of all finished conversations, those that their grades did not compute; and
    that share with the questions, which nobody could have computed before."""
    context = questions = cached = 0
    for attempt in run.attempts():
        for entry in attempt.entries():
            if isinstance(entry.event, Graded):
                context += entry.event.context_tokens
                questions += entry.event.question_tokens
                cached += entry.event.cached_tokens
    return (cached / context, cached / (context + questions)) if context else (None, None)


def prefills(run: Run, samples: int) -> float | None:
    """How often `samples` of an issue compute their opening: the first one wholly, the others
    what they did not find in the cache, on average over the run."""
    first: dict[str, list[tuple[int, int]]] = {}
    for attempt in run.attempts():
        replied = next((e.event for e in attempt.entries() if isinstance(e.event, Replied)), None)
        if replied is not None:
            reply = replied.reply
            uncached = reply.prompt_tokens - reply.cached_tokens
            first.setdefault(attempt.instance, []).append((uncached, reply.prompt_tokens))
    shares = [
        uncached / prompt
        for replies in first.values()
        for uncached, prompt in sorted(replies)[:-1]  # the largest is the one that came first
    ]
    return 1 + (samples - 1) * fmean(shares) if shares else None


def scaling_lines(figures: ScalingFigures) -> list[str]:
    """A table for people."""
    cached = figures.grade_cached_share
    graded = "" if cached is None else f", {cached:.2%} of graded conversations from the cache"
    return [
        *study_lines(figures.study),
        f"greedy {figures.greedy:.1%}{graded}; {figures.seconds:.0f} s; run {figures.run}",
    ]


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 5)
