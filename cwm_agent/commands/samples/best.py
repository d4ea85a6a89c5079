"""`solve` with several samples: sample, gather evidence, choose, show why."""

from __future__ import annotations

import shlex
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace

from cwm_agent.attempt.attempt import Rules
from cwm_agent.batch.attempt_state import OVER, AttemptState, attempts_of
from cwm_agent.batch.local.executor import LocalExecutor, local_executor
from cwm_agent.batch.runner import Runner
from cwm_agent.batch.screen import screen
from cwm_agent.batch.status import StatusReporter
from cwm_agent.batch.status import line as line_of
from cwm_agent.batch.stopping import StopConditions, caught_signals
from cwm_agent.commands.samples.evidence import line, tables_of
from cwm_agent.commands.samples.until import Engine, sample_until
from cwm_agent.config.resolve import Resolved
from cwm_agent.config.settings import Settings
from cwm_agent.errors import NotReadyError
from cwm_agent.scaling.chosen import Chosen, choose_all, reasons
from cwm_agent.scaling.posterior.posterior import believe, estimate
from cwm_agent.scaling.selection.registry import recipe_named
from cwm_agent.scaling.study.candidates import candidate_lines
from cwm_agent.tasks.job import Job
from cwm_agent.view.progress import ProgressDisplay
from cwm_agent.wording import counted
from results.records import AttemptResult
from results.store import Run, Store


def best_of(
    store: Store, name: str | None, job: Job, resolved: Resolved, progress: ProgressDisplay
) -> tuple[Run, AttemptResult]:
    """The chosen sample's result in a new run; an interrupted one's where it was broken off."""
    recipe_named(resolved.settings.scaling.select)
    run = store.create(Rules.of(resolved).run_info(), name)
    try:
        return run, go_on_best(run, job, resolved, progress)
    finally:
        if not any(run.attempts()):
            shutil.rmtree(run.folder, ignore_errors=True)


def go_on_best(run: Run, job: Job, resolved: Resolved, progress: ProgressDisplay) -> AttemptResult:
    """Sample what is missing, then choose; see `best_of`."""
    settings, rules = resolved.settings, Rules.of(resolved)
    attempts = attempts_of(run, [job], settings.samples)
    waiting = [attempt for attempt in attempts if attempt.state == "waiting"]
    wanted = attempts
    with local_executor(run, rules, waiting, progress.say, progress.say) as executor:

        def all_over() -> bool:
            return all(attempt.state in OVER for attempt in wanted)

        if settings.scaling.until < 1:

            def draw(budget: Mapping[str, int]) -> bool:
                nonlocal wanted
                wanted = attempts[: budget[job.instance]]
                sample_all(run, wanted, settings, executor, progress)
                return all_over()

            sample_until(run, resolved, [job.instance], draw, executor.engine, progress)
        else:
            sample_all(run, wanted, settings, executor, progress)
        run.write_predictions()
        if all_over():
            (chosen,) = select(run, resolved, progress, engine=executor.engine)
            return _result(run, attempts[chosen.sample or 0])
    failed = [attempt for attempt in wanted if attempt.state == "failed"]
    for attempt in failed:
        progress.say(f"{attempt.name} failed: {attempt.reason}: {attempt.doing}", "red")
    if failed:
        raise NotReadyError("not every sample has a result; repeat with --resume")
    return _result(run, next(t for t in wanted if t.state not in OVER))


def _result(run: Run, attempt: AttemptState) -> AttemptResult:
    """What is known of a sample; raises NotReadyError for one that has not begun."""
    result = run.find(attempt.job.instance, attempt.sample).result()
    if result is None:
        raise NotReadyError(
            f"interrupted; resume with `cwm-agent solve --resume {shlex.quote(str(run.folder))}`"
        )
    return result


def sample_all(
    run: Run,
    wanted: Sequence[AttemptState],
    settings: Settings,
    executor: LocalExecutor,
    progress: ProgressDisplay,
) -> None:
    """The wanted samples, several at a time, on the screen of a run."""

    def over(attempt: AttemptState) -> None:
        executor.over(attempt)
        text = f"sample {attempt.sample}: {attempt.reason} after {counted(attempt.turn, 'turn')}"
        shown.say(text)

    runner = Runner(
        wanted,
        executor,
        workers=settings.batch.workers,
        retries=settings.sandbox.retries,
        over=over,
        resized=executor.resize,
    )
    reporter = StatusReporter(run.name, runner, executor.loads)
    ending = StopConditions(runner, settings.batch)
    with caught_signals() as signals, screen(reporter, sys.stderr) as shown:

        def tick() -> None:
            ending.look(signals.count, reporter.status(), shown.say)
            shown.refresh()

        runner.run(tick)
    progress.say(line_of(replace(reporter.status(), phase="done", active=())), "dim")


def select(
    run: Run,
    resolved: Resolved,
    progress: ProgressDisplay,
    recipe: str | None = None,
    engine: Engine | None = None,
) -> list[Chosen]:
    """The evidence of a run and the choice in each issue, with its reasons on the screen.

    `engine` gives a model that is open already. Raises NotReadyError for an issue without evidence.
    """
    wanted = recipe_named(recipe or resolved.settings.scaling.select)
    tables = []
    for gathered in tables_of(run, resolved, progress, engine=engine):
        progress.say(line(gathered), "dim")
        if gathered.table is None:
            raise NotReadyError(f"{gathered.instance} has no evidence: {gathered.error}")
        tables.append(gathered.table)
    tables.sort(key=lambda table: table.instance)
    found = choose_all(run, wanted, tables)
    parameters = estimate(tables)
    for table, chosen in zip(tables, found, strict=True):
        first, *more = reasons(chosen)
        progress.say(first, "bold")
        name = None if chosen.sample is None else str(chosen.sample)
        for text in candidate_lines(table, believe(table, parameters).chance, name):
            progress.say(text, "cyan" if text.startswith("→") else "")
        for text in more:
            progress.say(text, "dim")
    return found
