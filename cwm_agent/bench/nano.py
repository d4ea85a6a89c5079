"""How well the bundled tiny model solves generated tasks that nobody trained on.

Every attempt is real: engine, tools, sandbox, hidden tests on a clean copy.
The tasks of a set follow from `seed`, so a figure can be repeated.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from cwm_agent.bench.trace import TraceBench, measure_free
from cwm_agent.debug.evaluate.figures import exact, whole
from cwm_agent.generated.repository import issue_task
from cwm_agent.generated.task import MEASURED, NanoTask, Split, draw_task
from cwm_agent.nano import attempts
from cwm_agent.nano.attempts import Attempted, TaskSetting
from cwm_agent.policies import bundled
from cwm_agent.policies.embedded import EmbeddedPolicy
from cwm_agent.prompts.packs import load
from envs.issue.budget import Limits
from envs.progress import Say
from envs.repository.verify import Verifier
from model.step.sampler import Sampling
from results.reports.metrics import Share, share


@dataclass(frozen=True, slots=True)
class NanoBench:
    """What to measure. `tasks` and `frames` count per set; `samples` 1 leaves out sampling."""

    model: Path
    tasks: int = 50
    samples: int = 1
    temperature: float = 0.8
    programs: int = 100
    seed: int = 1
    sets: tuple[Split, ...] = MEASURED
    workers: int = 2


@dataclass(frozen=True, slots=True)
class SetFigures:
    """One set. Shares are of tasks unless named otherwise; each has its 95 % interval.

    `solved_nontrivial` leaves out missing returns. `best_of` is execution-based
    choice among samples, `any_of` at least one good sample; None without sampling.
    """

    solved: Share
    solved_nontrivial: Share
    well_formed_calls: Share
    applied_edits: Share
    turns_per_issue: float
    seconds_per_issue: float
    tokens_per_second: float
    best_of: Share | None = None
    any_of: Share | None = None
    unsolved: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FrameFigures:
    """Of programs' executions: `exact` frames after the true ones before, `whole` programs."""

    exact: Share
    whole: Share


@dataclass(frozen=True, slots=True)
class NanoFigures:
    """All sets, and how well frames of traces are predicted."""

    sets: dict[str, SetFigures] = field(default_factory=dict)
    frames: FrameFigures | None = None


class _Judge:
    """Verdicts by the hidden tests, one for each different patch of a task."""

    def __init__(self, place: TaskSetting) -> None:
        self._place = place
        self._verifier = Verifier(place.make_sandbox)
        self._known: dict[tuple[str, str], bool] = {}

    def solved(self, task: NanoTask, patch: str) -> bool:
        """Whether the patch resolves the task."""
        key = (f"{task.split}/{task.seed}", patch)
        if key not in self._known:
            real = issue_task(task, self._place.repository(task))
            self._known[key] = bool(patch) and self._verifier.verify(real, patch).resolved
        return self._known[key]


def measure_nano(
    bench: NanoBench, make_sandbox: attempts.MakeSandbox, kind: str, progress: Say
) -> NanoFigures:
    """Run the bench; raises ModelError or SandboxError."""
    limits = Limits(
        turns=int(str(bundled.SETTINGS["limits.turns"])),
        context_tokens=int(str(bundled.SETTINGS["limits.context_tokens"])),
        action_tokens=int(str(bundled.SETTINGS["limits.action_tokens"])),
    )
    figures = NanoFigures()
    texts = load(bundled.NAME)
    greedy = Sampling(0.0)
    with tempfile.TemporaryDirectory(prefix="cwm-agent-nano-") as scratch:
        with closing(EmbeddedPolicy(bench.model, sampling=greedy)) as policy:
            place = TaskSetting(policy, texts, limits, make_sandbox, kind, Path(scratch))
            judge = _Judge(place)
            for name in bench.sets:
                tasks = [draw_task(f"{bench.seed}/{n}", name) for n in range(bench.tasks)]
                tried = _play(place, tasks, bench, (0,), progress, f"{name}, greedy")
                figures.sets[name] = _figures(tasks, [one for (one,) in tried], judge)
        if bench.samples > 1:
            sampling = Sampling(bench.temperature)
            with closing(EmbeddedPolicy(bench.model, sampling=sampling)) as policy:
                place = TaskSetting(
                    policy, texts, limits, make_sandbox, kind, Path(scratch) / "sampled"
                )
                judge = _Judge(place)
                for name in bench.sets:
                    tasks = [draw_task(f"{bench.seed}/{n}", name) for n in range(bench.tasks)]
                    numbers = tuple(range(bench.samples))
                    sampled = _play(place, tasks, bench, numbers, progress, f"{name}, sampled")
                    figures.sets[name] = _with_choice(figures.sets[name], tasks, sampled, judge)
    if bench.programs:
        traces = TraceBench(bench.programs, bench.seed, bench.model)
        free = measure_free(traces, progress)
        frames = FrameFigures(exact(free.judged), whole(free.alone))
        return replace(figures, frames=frames)
    return figures


def _play(
    place: TaskSetting,
    tasks: Sequence[NanoTask],
    bench: NanoBench,
    samples: tuple[int, ...],
    progress: Say,
    what: str,
) -> list[list[Attempted]]:
    """Every sample of every task, a few at a time; they share the engine."""
    began = time.monotonic()

    def one(job: tuple[NanoTask, int]) -> Attempted:
        task, sample = job
        return place.attempt(task, sample=sample, seed=bench.seed * 1000 + sample)

    jobs = [(task, sample) for task in tasks for sample in samples]
    with ThreadPoolExecutor(bench.workers) as pool:
        done: list[Attempted] = []
        for attempted in pool.map(one, jobs):
            done.append(attempted)
            if len(done) % 50 == 0 or len(done) == len(jobs):
                progress(f"{what}: {len(done)} of {len(jobs)}, {time.monotonic() - began:.0f} s")
    step = len(samples)
    return [done[i : i + step] for i in range(0, len(done), step)]


def _figures(tasks: Sequence[NanoTask], tried: Sequence[Attempted], judge: _Judge) -> SetFigures:
    solved = [judge.solved(t, a.patch) for t, a in zip(tasks, tried, strict=True)]
    hard = [good for task, good in zip(tasks, solved, strict=True) if not task.trivial]
    tools = [tool for attempted in tried for tool in attempted.tools]
    edits = [tool for tool in tools if tool.tool == "edit"]
    tokens = sum(attempted.reply_tokens for attempted in tried)
    seconds = sum(attempted.reply_seconds for attempted in tried)
    return SetFigures(
        solved=share(sum(solved), len(solved)),
        solved_nontrivial=share(sum(hard), len(hard)),
        well_formed_calls=share(sum(tool.tool != "" for tool in tools), len(tools)),
        applied_edits=share(sum(edit.ok for edit in edits), len(edits)),
        turns_per_issue=_mean([attempted.trajectory.turns for attempted in tried]),
        seconds_per_issue=_mean([attempted.seconds for attempted in tried]),
        tokens_per_second=round(tokens / max(seconds, 1e-9), 1),
        unsolved=tuple(t.seed for t, good in zip(tasks, solved, strict=True) if not good),
    )


def _with_choice(
    figures: SetFigures,
    tasks: Sequence[NanoTask],
    sampled: Sequence[Sequence[Attempted]],
    judge: _Judge,
) -> SetFigures:
    best = any_good = 0
    for task, tried in zip(tasks, sampled, strict=True):
        good = [judge.solved(task, attempted.patch) for attempted in tried]
        best += good[attempts.choose(tried)]
        any_good += any(good)
    return replace(figures, best_of=share(best, len(tasks)), any_of=share(any_good, len(tasks)))


def _mean(numbers: Sequence[float]) -> float:
    return round(sum(numbers) / max(1, len(numbers)), 2)


def to_json(figures: NanoFigures) -> dict[str, object]:
    """All figures, with the ones that are compared most at the top.

    `solved_share` and `seconds_per_issue` are of the seen set without trivial tasks.
    """
    seen, unseen = figures.sets.get("seen"), figures.sets.get("unseen")
    return {
        "solved_share": seen.solved_nontrivial.value if seen else None,
        "unseen_templates_share": unseen.solved_nontrivial.value if unseen else None,
        "frame_accuracy": figures.frames.exact.value if figures.frames else None,
        "seconds_per_issue": seen.seconds_per_issue if seen else None,
        "n": sum(one.solved.n for one in figures.sets.values()),
        **asdict(figures),
    }


def nano_lines(figures: NanoFigures) -> list[str]:
    """A table for people."""
    lines = [
        "set        solved                  not trivial             calls   edits  turns  s/issue"
    ]
    for name, one in figures.sets.items():
        lines.append(
            f"{name:9}  {one.solved}  {one.solved_nontrivial}  "
            f"{one.well_formed_calls.value:6.1%}  {one.applied_edits.value:6.1%}  "
            f"{one.turns_per_issue:5.1f}  {one.seconds_per_issue:7.2f}"
        )
        if one.best_of is not None:
            lines.append(f"           best of samples {one.best_of}   any of them {one.any_of}")
    if figures.frames is not None:
        lines.append(f"frames     {figures.frames.exact}  (programs whole: {figures.frames.whole})")
    return lines
