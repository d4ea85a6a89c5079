"""The command `solve`: from its options to an outcome on the screen and an exit code."""

from __future__ import annotations

import json
import shlex
import shutil
import sys
from contextlib import AbstractContextManager, ExitStack, nullcontext, suppress
from dataclasses import dataclass, replace

from cwm_agent.attempt.attempt import Rules
from cwm_agent.attempt.interrupt import Interrupt
from cwm_agent.attempt.retries import with_retries
from cwm_agent.attempt.sandboxes import clean_up
from cwm_agent.batch import manifest
from cwm_agent.batch.attempt_state import AttemptState
from cwm_agent.batch.local.work import open_work
from cwm_agent.config.resolve import Resolved, load_settings, recorded
from cwm_agent.errors import UsageError
from cwm_agent.exit_codes import ExitCode, code_of_attempt
from cwm_agent.policies.chat.provider import chat_model
from cwm_agent.policies.choice import SHARED, PolicyChoice
from cwm_agent.policies.choose import OpenPolicy, find_checkpoint, open_policy
from cwm_agent.streams import ReaderGoneError
from cwm_agent.tasks.checkout import apply_patch
from cwm_agent.tasks.harbor import needs_patch
from cwm_agent.tasks.inputs import Request
from cwm_agent.tasks.job import JOB_FILE, Job, read_job
from cwm_agent.tasks.planning import check_policy_flags, model_settings, plan
from cwm_agent.view.console import console
from cwm_agent.view.plain import diff_text
from cwm_agent.view.progress import ProgressDisplay
from results.codec import encode
from results.records import AttemptResult
from results.repair import repair
from results.store import UNFINISHED, Attempt, Run, Store

SAMPLE = 0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What `solve` hands to its caller. `applied` lists the files changed in the checkout."""

    run: Run
    result: AttemptResult
    applied: tuple[str, ...] | None = None


def start(
    store: Store, name: str | None, job: Job, resolved: Resolved, progress: ProgressDisplay
) -> Outcome:
    """Solve a new job in a new run folder; the folder goes again if the attempt cannot begin."""
    rules = Rules.of(resolved)
    run = store.create(rules.run_info(), name)
    attempt = run.attempt(job.instance, SAMPLE)
    try:
        return _work(run, job, rules, progress)
    finally:
        if not attempt.events_path.exists() or not attempt.entries():
            shutil.rmtree(run.folder, ignore_errors=True)


def go_on(
    run: Run, attempt: Attempt, job: Job, resolved: Resolved, progress: ProgressDisplay
) -> Outcome:
    """Continue an interrupted attempt; raises UsageError when it is over."""
    result = attempt.result()
    if result is not None and result.exit_reason not in UNFINISHED:
        raise UsageError(
            f"run {run.name} has already ended ({result.exit_reason}); show it with "
            f"`cwm-agent view {run.name}`, or start a new run"
        )
    return _work(run, job, Rules.of(resolved), progress)


def _work(run: Run, job: Job, rules: Rules, progress: ProgressDisplay) -> Outcome:
    """The run's one attempt, in the main thread, where Ctrl-C is heard."""
    settings = rules.resolved.settings
    progress.context_limit = settings.limits.context_tokens
    stop = Interrupt(progress.interrupted, cancel_replies=job.policy.kind == "human")
    state = AttemptState(job, SAMPLE, stop=stop, observer=progress)
    opened: list[OpenPolicy] = []

    def open_once(choice: PolicyChoice) -> AbstractContextManager[OpenPolicy]:
        if not opened:
            opened.append(open_policy(choice, settings, show=progress.show, say=progress.say))
            stack.callback(opened[0].policy.close)
            _announce(run, state.job, opened[0], progress)
        return nullcontext(opened[0])

    with ExitStack() as stack:
        work = stack.enter_context(open_work(run, rules, [state], open_once))
        stack.callback(progress.close)
        try:
            result = with_retries(lambda: work(state), settings.sandbox.retries, stop, progress.say)
        except BaseException:
            if opened and run.find(job.instance, SAMPLE).entries():
                progress.say(resume_hint(run), "yellow")
            raise
        run.write_predictions()
    return Outcome(run, result)


def _announce(run: Run, job: Job, opened: OpenPolicy, progress: ProgressDisplay) -> None:
    where = job.checkout.root if job.checkout else f"{job.root} in {job.image}"
    if job.harbor is not None:
        where = f"{job.root} in the image of {job.harbor.folder}"
    progress.say(f"{job.instance}: {job.issue.strip().partition(chr(10))[0]}", "bold")
    progress.say(f"  repository {where}, sandbox {job.sandbox}, run {run.folder}", "dim")
    progress.say(f"  {opened.note}", "dim")


def apply_to_checkout(outcome: Outcome, job: Job) -> Outcome:
    """Apply a patch that was submitted, and not refuted by tests, to the user's checkout.

    Raises UsageError, having changed nothing, when it must not or cannot be applied.
    """
    source, result = job.source(), outcome.result
    if source is None:
        raise UsageError("not applied: the repository is in the image; there is no checkout")
    if result.resolved is False:
        raise UsageError("not applied: the tests say that the patch does not solve the issue")
    if result.exit_reason in UNFINISHED or not result.patch.strip():
        raise UsageError("not applied: the attempt produced no patch")
    return replace(outcome, applied=tuple(apply_patch(source, result.patch)))


def resume_hint(run: Run) -> str:
    """How to go on with an unfinished run."""
    return f"resume with: cwm-agent solve --resume {shlex.quote(str(run.folder))}"


def run_request(request: Request, *, as_json: bool) -> int:
    """Do what was asked and print it; returns the exit code. Raises the errors of the parts."""
    check_policy_flags(request)
    resolved = load_settings(
        config_files=request.config_files, assignments=request.assignments, flags=request.flags
    )
    store = Store(resolved.runs_folder())
    progress = ProgressDisplay(sys.stderr)
    clean_up(progress.say)
    if request.repair and request.resume is None:
        raise UsageError("--repair needs --resume RUN: it repairs the journal of that run")
    if request.resume is not None:
        job, outcome = _resume(store, request, progress)
    else:
        resolved = model_settings(request, resolved)
        job = plan(request, resolved, progress.say)
        if resolved.settings.scaling.branch:
            from cwm_agent.commands.samples.until import check_branching

            check_branching(resolved.settings, [job])
        if resolved.settings.samples > 1:
            from cwm_agent.commands.samples.best import best_of  # with numpy: a third of the start

            needs_patch(job, "--samples, which chooses one of several,")
            run, result = best_of(store, request.name, job, resolved, progress)
            outcome = Outcome(run, result)
        else:
            outcome = start(store, request.name, job, resolved, progress)
    code = code_of_attempt(outcome.result.exit_reason, outcome.result.resolved)
    if job.apply and outcome.result.exit_reason not in UNFINISHED:
        try:
            outcome = apply_to_checkout(outcome, job)
        except UsageError as error:
            progress.say(f"error: {error}", "bold red")
            code = code or ExitCode.ENVIRONMENT
    with suppress(ReaderGoneError):
        _print(outcome, progress, as_json=as_json)
    return code


def _resume(store: Store, request: Request, progress: ProgressDisplay) -> tuple[Job, Outcome]:
    given = {
        "an issue": request.issue,
        "--repo": request.repository,
        "--dirty": request.dirty,
        "--pip": request.pip,
        "--apt": request.apt,
        "--workdir": request.workdir,
        "--env": request.variables,
        "--setup": request.setup,
        "--test": request.test,
        "--test-report": request.test_report,
        "--tests": request.tests,
        "--name": request.name,
    }
    if extra := [name for name, value in given.items() if value]:
        raise UsageError(f"a resumed run keeps its task: leave out {', '.join(extra)}")
    assert request.resume is not None
    run = store.open(request.resume)
    urls = {"endpoint.urls": request.flags.get("endpoint.urls")}
    resolved = recorded(run.info().settings, urls)
    jobs = sorted(run.folder.glob(f"*/*/{JOB_FILE}"))
    several = resolved.settings.samples > 1 and not (run.folder / manifest.FILE).exists()
    if jobs and several:
        from cwm_agent.commands.samples.best import go_on_best

        job = read_job(jobs[0].parent)
        return job, Outcome(run, go_on_best(run, job, resolved, progress))
    if len(jobs) != 1:
        raise UsageError(
            f"run {run.name} was not made by solve; to resume a run of a suite use "
            f"`cwm-agent run SUITE --name {run.name}`"
        )
    attempt = Attempt(jobs[0].parent, int(jobs[0].parent.name))
    if request.repair and (found := repair(attempt.events_path)):
        progress.say(f"{attempt.events_path}: {found}", "yellow")
    job = read_job(attempt.folder)
    policy = _other_policy(request, job.policy) or job.policy
    job = replace(job, policy=policy, apply=job.apply or request.apply)
    return job, go_on(run, attempt, job, resolved, progress)


def _other_policy(request: Request, before: PolicyChoice) -> PolicyChoice | None:
    """A policy named for the rest of an attempt; raises UsageError for servers of no model."""
    model, served = request.flags.get("model"), bool(request.flags.get("endpoint.urls"))
    if named := chat_model(None if model is None else str(model)):
        return PolicyChoice("chat", named.source)
    if model is None and served and before.kind == "chat":
        return before
    if model is not None or served:
        if model is None and before.kind not in SHARED:
            raise UsageError("servers need the tokenizer of their model: give --model DIR, too")
        folder = before.source if model is None else find_checkpoint(str(model)).absolute()
        return PolicyChoice("endpoint" if served else "embedded", str(folder))
    if request.replay is not None:
        return PolicyChoice("replay", str(request.replay.absolute()))
    return PolicyChoice("human") if request.human else None


def _print(outcome: Outcome, progress: ProgressDisplay, *, as_json: bool) -> None:
    result = outcome.result
    if result.exit_reason in UNFINISHED:
        progress.say(f"{result.exit_reason}: {result.detail}".removesuffix(": "), "bold red")
        progress.say(resume_hint(outcome.run), "yellow")
    else:
        shown_on_stdout = not as_json and sys.stdout.isatty()
        if not shown_on_stdout:
            progress.patch(result.patch)
        progress.end(result)
    if outcome.applied:
        progress.say(f"applied to the checkout: {', '.join(outcome.applied)}", "green")
    if as_json:
        print(json.dumps(as_object(outcome)), flush=True)
    elif sys.stdout.isatty():
        console().print(diff_text(result.patch))
    else:
        sys.stdout.buffer.write(result.patch.encode("utf-8", "surrogateescape"))
        sys.stdout.buffer.flush()


def as_object(outcome: Outcome) -> dict[str, object]:
    """What `--json` prints: the result's fields, the run's name and folder, what was applied."""
    result: dict[str, object] = encode(outcome.result)
    applied = None if outcome.applied is None else list(outcome.applied)
    folder = str(outcome.run.folder.absolute())
    return {**result, "run": outcome.run.name, "folder": folder, "applied": applied}
