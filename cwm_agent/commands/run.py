"""The command `run`: from its options to a run folder, and from there to an exit code."""

from __future__ import annotations

import json
import os
import shlex
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from cwm_agent.attempt.attempt import Rules
from cwm_agent.attempt.sandboxes import clean_up
from cwm_agent.batch import manifest
from cwm_agent.batch.attempt_state import AttemptState, attempts_of
from cwm_agent.batch.control import serve
from cwm_agent.batch.ctl import ControlHandler
from cwm_agent.batch.executor import Executor, OpenExecutor
from cwm_agent.batch.local.executor import local_executor
from cwm_agent.batch.opening import opened, repair_journals
from cwm_agent.batch.runner import Runner
from cwm_agent.batch.screen import screen
from cwm_agent.batch.status import Status, StatusReporter, line
from cwm_agent.batch.stopping import StopConditions, caught_signals
from cwm_agent.config.layers import Layer
from cwm_agent.config.resolve import Resolved, load_settings, with_defaults
from cwm_agent.errors import UsageError
from cwm_agent.exit_codes import ExitCode
from cwm_agent.streams import ReaderGoneError
from cwm_agent.tasks.filters import Selection
from cwm_agent.tasks.harbor import needs_patch
from cwm_agent.tasks.inputs import Request
from cwm_agent.tasks.planning import model_settings, plan
from cwm_agent.tasks.problems.source import Rows
from cwm_agent.tasks.suite import Chosen, choose, jobs_of
from cwm_agent.view.progress import ProgressDisplay
from envs.registry import choose_kind
from results.store import Run, Store

LOG = "run.log"


@dataclass(frozen=True, slots=True)
class RunRequest:
    """The options of `cwm-agent run`, as given; `flags` are settings by their dotted keys."""

    suite: str
    selection: Selection
    replay: Path | None = None
    variables: Mapping[str, str] = field(default_factory=dict)
    setup: tuple[str, ...] = ()
    name: str | None = None
    on: str = "local"
    accept_changes: bool = False
    repair: bool = False
    select: bool = False
    rows: Rows = field(default_factory=Rows)
    config_files: tuple[Path, ...] = ()
    assignments: tuple[str, ...] = ()
    flags: Mapping[str, object] = field(default_factory=dict)


def run_suite(request: RunRequest, *, as_json: bool) -> int:
    """Do the suite, or what is left of it; returns the exit code. Raises the parts' errors."""
    progress = ProgressDisplay(sys.stderr)
    open_executor = _executor(request.on)
    if request.select:
        from cwm_agent.scaling.selection.registry import recipe_named  # with numpy: starts slowly

        recipe_named(str(request.flags["scaling.select"]))
    chosen = choose(request.suite, request.selection, request.replay, request.rows)
    if request.select and chosen.protocol is not None:
        raise UsageError("--select chooses among patches; answers are counted by `score` (cons@k)")
    resolved = _settings(request, chosen)
    store = Store(resolved.runs_folder())
    clean_up(progress.say)
    if chosen.dataset and chosen.protocol is None:
        choose_kind(needs=["image"])  # once, and not for each of 500 images
    jobs = jobs_of(
        chosen,
        lambda task: plan(task.within(request.variables, request.setup), resolved, progress.say),
    )
    for note in chosen.notes:
        progress.say(note, "yellow")
    if request.select:
        for job in jobs:
            needs_patch(job, "--select")
    if resolved.settings.scaling.branch:
        from cwm_agent.commands.samples.until import check_branching

        check_branching(resolved.settings, jobs)
    rules = Rules.of(resolved)
    wanted = manifest.BatchRecord.of(chosen, resolved.settings.samples, jobs)
    accept = request.accept_changes
    with opened(store, request.name, rules, wanted, progress, accept=accept) as run:
        if request.repair:
            repair_journals(run, progress)
        attempts = attempts_of(run, jobs, resolved.settings.samples)
        waiting = [attempt for attempt in attempts if attempt.state == "waiting"]
        with open_executor(run, rules, waiting, progress.say, _logger(run)) as executor:
            code = _sample(run, resolved, attempts, executor, progress, as_json=as_json)
            if code == ExitCode.SUCCESS and (request.select or resolved.settings.scaling.until < 1):
                from cwm_agent.commands.samples.best import select

                select(run, resolved, progress, engine=executor.engine)
        return code


def _executor(on: str) -> OpenExecutor:
    """How to open the place that `--on` names; raises UsageError, also without its extra."""
    match on:
        case "local":
            return local_executor
        case "ray":
            from cwm_agent.cluster.connect import import_ray
            from cwm_agent.cluster.executor import ray_executor

            import_ray()
            return ray_executor
    raise UsageError(f"--on {on}: attempts run on local (this machine) or on ray (a cluster)")


def _settings(request: RunRequest, chosen: Chosen) -> Resolved:
    resolved = load_settings(
        config_files=request.config_files, assignments=request.assignments, flags=request.flags
    )
    if (protocol := chosen.protocol) is not None:
        origins = dict.fromkeys(protocol.settings, protocol.origin)
        resolved = with_defaults(resolved, Layer(protocol.settings, origins))
    settings = resolved.settings
    recorded = chosen.recorded and settings.model is None and settings.endpoint.urls is None
    # The bundled model's settings apply where it speaks, as in `solve`.
    asked = Request(replay=request.replay or (Path(request.suite) if recorded else None))
    return model_settings(asked, resolved)


def _sample(
    run: Run,
    resolved: Resolved,
    attempts: list[AttemptState],
    executor: Executor,
    progress: ProgressDisplay,
    *,
    as_json: bool,
) -> int:
    """Every attempt, or round by round those of undecided issues; returns the exit code."""
    rules = Rules.of(resolved)

    def go(wanted: list[AttemptState], *, first: bool = True) -> tuple[int, Status]:
        return _go(run, rules, wanted, executor, progress, as_json=as_json and first)

    if resolved.settings.scaling.until < 1:
        from cwm_agent.commands.samples.until import attempts_until

        engine = executor.engine
        attempts, code, status = attempts_until(run, resolved, attempts, go, engine, progress)
    else:
        code, status = go(attempts)
    _done(run, status, attempts, code, progress, as_json=as_json)
    return code


def _go(
    run: Run,
    rules: Rules,
    attempts: list[AttemptState],
    executor: Executor,
    progress: ProgressDisplay,
    *,
    as_json: bool,
) -> tuple[int, Status]:
    """The attempts that have no result yet; the exit code, and how they stand at the end."""
    settings = rules.resolved.settings.batch
    runner = Runner(
        attempts,
        executor,
        workers=settings.workers,
        retries=rules.resolved.settings.sandbox.retries,
        over=executor.over,
        log=_logger(run),
        resized=executor.resize,
    )
    reporter = StatusReporter(run.name, runner, executor.loads)
    ending = StopConditions(runner, settings)
    with (
        serve(run.folder, ControlHandler(runner, reporter).answer) as socket,
        caught_signals() as signals,
        screen(reporter, sys.stderr) as shown,
    ):
        _launched(run, socket, reporter.status(), progress, as_json=as_json)

        def tick() -> None:
            ending.look(signals.count, reporter.status(), shown.say)
            shown.refresh()

        runner.run(tick)
    run.write_predictions()
    return ending.code(), reporter.status()


def _logger(run: Run) -> Callable[[str], None]:
    def log(text: str) -> None:
        with (run.folder / LOG).open("a", encoding="utf-8", errors="backslashreplace") as file:
            file.write(f"{text}\n")

    return log


def _launched(
    run: Run, socket: Path, status: Status, progress: ProgressDisplay, *, as_json: bool
) -> None:
    progress.say(f"run {run.folder}: {line(status)}", "bold")
    if as_json:
        launch = {
            "record": "launch",
            "run": run.name,
            "folder": str(run.folder.absolute()),
            "socket": str(socket.absolute()),
            "pid": os.getpid(),
            "status": status.as_json(),
        }
        _tell(json.dumps(launch))


def _done(
    run: Run,
    status: Status,
    attempts: Sequence[AttemptState],
    code: int,
    progress: ProgressDisplay,
    *,
    as_json: bool,
) -> None:
    for attempt in [attempt for attempt in attempts if attempt.state == "failed"][:10]:
        progress.say(f"{attempt.name} failed: {attempt.reason}: {attempt.doing}", "red")
    if code in (ExitCode.INTERRUPTED, ExitCode.LIMIT) or any(t.state == "failed" for t in attempts):
        again = f"--name {shlex.quote(run.name)}"
        progress.say(f"resume with the same command and {again}", "yellow")
    if manifest.dataset_of(run):
        progress.say(f"grade the patches with `cwm-agent score {shlex.quote(run.name)}`")
    if as_json:
        done = {
            "record": "done",
            "run": run.name,
            "folder": str(run.folder.absolute()),
            "exit_code": int(code),
            "status": status.as_json(),
        }
        _tell(json.dumps(done))
    else:
        _tell(line(replace(status, phase="done", active=())))


def _tell(text: str) -> None:
    """A line of results, whether or not somebody still reads them."""
    with suppress(ReaderGoneError):
        print(text, flush=True)
