"""The command `run`: from its options to a run folder, and from there to an exit code."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from filelock import FileLock, Timeout

from cwm_agent.attempt.attempt import Rules
from cwm_agent.attempt.sandboxes import clean_up
from cwm_agent.batch import manifest
from cwm_agent.batch.attempt_state import AttemptState, tickets_of
from cwm_agent.batch.control import serve
from cwm_agent.batch.ctl import ControlHandler
from cwm_agent.batch.executor import Executor, OpenExecutor
from cwm_agent.batch.local.executor import local_executor
from cwm_agent.batch.runner import Runner
from cwm_agent.batch.screen import screen
from cwm_agent.batch.status import Board, Status, line
from cwm_agent.batch.stopping import StopConditions, caught_signals
from cwm_agent.commands.best import select
from cwm_agent.config.resolve import Resolved, load_settings
from cwm_agent.errors import NotReadyError, UsageError
from cwm_agent.exit_codes import ExitCode
from cwm_agent.scaling.selection.registry import recipe_named
from cwm_agent.streams import ReaderGoneError
from cwm_agent.tasks.filters import Selection
from cwm_agent.tasks.harbor import needs_patch
from cwm_agent.tasks.inputs import Request
from cwm_agent.tasks.planning import model_settings, plan
from cwm_agent.tasks.suite import Chosen, choose, jobs_of
from cwm_agent.view.progress import ProgressDisplay
from envs.registry import choose_kind
from results.repair import repair
from results.store import UNFINISHED, Run, Store

LOG = "run.log"
LOCK = "run.lock"


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
    config_files: tuple[Path, ...] = ()
    assignments: tuple[str, ...] = ()
    flags: Mapping[str, object] = field(default_factory=dict)


def run_suite(request: RunRequest, *, as_json: bool) -> int:
    """Do the suite, or what is left of it; returns the exit code. Raises the parts' errors."""
    progress = ProgressDisplay(sys.stderr)
    open_executor = _executor(request.on)
    if request.select:
        recipe_named(str(request.flags["scaling.select"]))
    chosen = choose(request.suite, request.selection, request.replay)
    resolved = _settings(request, chosen)
    store = Store(resolved.runs_folder())
    clean_up(progress.say)
    if chosen.dataset:
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
    rules = Rules.of(resolved)
    wanted = manifest.BatchRecord.of(chosen, resolved.settings.samples, jobs)
    with _opened(store, request, rules, wanted, progress) as run:
        if request.repair:
            _repair(run, progress)
        tickets = tickets_of(run, jobs, resolved.settings.samples)
        waiting = [ticket for ticket in tickets if ticket.state == "waiting"]
        with open_executor(run, rules, waiting, progress.say, _logger(run)) as executor:
            code = _go(run, rules, tickets, executor, progress, as_json=as_json)
        if request.select and code == ExitCode.SUCCESS:
            select(run, resolved, progress)
        return code


def _repair(run: Run, progress: ProgressDisplay) -> None:
    """Cut the damaged journals of attempts that are not over before their first damaged line."""
    for attempt in run.attempts():
        result = attempt.result()
        if (result is None or result.exit_reason in UNFINISHED) and (
            found := repair(attempt.events_path)
        ):
            progress.say(f"{attempt.events_path}: {found}", "yellow")


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
    settings = resolved.settings
    recorded = chosen.recorded and settings.model is None and settings.endpoint.urls is None
    # The bundled model's settings apply where it speaks, as in `solve`.
    asked = Request(replay=request.replay or (Path(request.suite) if recorded else None))
    return model_settings(asked, resolved)


@contextmanager
def _opened(
    store: Store,
    request: RunRequest,
    rules: Rules,
    wanted: manifest.BatchRecord,
    progress: ProgressDisplay,
) -> Iterator[Run]:
    """The run, new or to be gone on with, locked for this process."""
    known = request.name is not None and (store.root / request.name / "run.json").exists()
    run = store.open(request.name) if known and request.name else None
    if run is None:
        run = store.create(rules.run_info(), request.name)
        manifest.begin(run, wanted)
    lock = FileLock(run.folder / LOCK, timeout=0)
    try:
        held = lock.acquire()
    except Timeout as error:
        raise NotReadyError(
            f"another process is working on run {run.name}; "
            f"check with `cwm-agent ctl {run.name} status`"
        ) from error
    with held, _removed_unless_begun(run, new=not known):
        if known:
            accepted = manifest.go_on(run, wanted, rules, accept=request.accept_changes)
            for difference in accepted:
                progress.say(f"accepted: {difference}", "yellow")
        yield run


@contextmanager
def _removed_unless_begun(run: Run, *, new: bool) -> Iterator[None]:
    """A new run that failed before its first attempt (a bad checkpoint) leaves no folder."""
    try:
        yield
    finally:
        if new and not any(run.attempts()):
            shutil.rmtree(run.folder, ignore_errors=True)


def _go(
    run: Run,
    rules: Rules,
    tickets: list[AttemptState],
    executor: Executor,
    progress: ProgressDisplay,
    *,
    as_json: bool,
) -> int:
    settings = rules.resolved.settings.batch
    runner = Runner(
        tickets,
        executor,
        workers=settings.workers,
        retries=rules.resolved.settings.sandbox.retries,
        over=executor.over,
        log=_logger(run),
        resized=executor.resize,
    )
    board = Board(run.name, runner, executor.loads)
    ending = StopConditions(runner, settings)
    with (
        serve(run.folder, ControlHandler(runner, board).answer) as socket,
        caught_signals() as signals,
        screen(board, sys.stderr) as shown,
    ):
        _launched(run, socket, board.status(), progress, as_json=as_json)

        def tick() -> None:
            ending.look(signals.count, board.status(), shown.say)
            shown.refresh()

        runner.run(tick)
    run.write_predictions()
    code = ending.code()
    _done(run, board.status(), tickets, code, progress, as_json=as_json)
    return code


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
    tickets: Sequence[AttemptState],
    code: int,
    progress: ProgressDisplay,
    *,
    as_json: bool,
) -> None:
    for ticket in [ticket for ticket in tickets if ticket.state == "failed"][:10]:
        progress.say(f"{ticket.name} failed: {ticket.reason}: {ticket.doing}", "red")
    if code in (ExitCode.INTERRUPTED, ExitCode.LIMIT) or any(t.state == "failed" for t in tickets):
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
