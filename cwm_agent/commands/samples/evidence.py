"""The command `evidence`: from the name of a run to the evidence tables of its issues."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from filelock import FileLock, Timeout

from cwm_agent.attempt.attempt import Rules
from cwm_agent.attempt.interrupt import CancelToken
from cwm_agent.attempt.sandboxes import clean_up
from cwm_agent.config.resolve import Resolved, load_settings, recorded
from cwm_agent.debug.evaluate.evidence import predict_calls
from cwm_agent.debug.predict.engine import EnginePredictor
from cwm_agent.errors import NotReadyError
from cwm_agent.exit_codes import ExitCode
from cwm_agent.policies.choice import SHARED, PolicyChoice
from cwm_agent.policies.choose import OpenPolicy, open_policy
from cwm_agent.policies.embedded import EmbeddedPolicy
from cwm_agent.scaling.evidence.issue import sampled_issues
from cwm_agent.scaling.evidence.traced import Predict
from cwm_agent.scaling.gather import Gathered, Generate, gather
from cwm_agent.scaling.generate import TestWriter
from cwm_agent.scaling.table import Kind, Table
from cwm_agent.view.progress import ProgressDisplay
from cwm_agent.wording import counted
from results.store import Run, Store

LOCK = "evidence.lock"


@dataclass(frozen=True, slots=True)
class EvidenceRequest:
    """The options of `cwm-agent evidence`; `flags` replace settings that the run was made with."""

    run: str
    instances: tuple[str, ...] = ()
    runs: str | None = None
    config_files: tuple[Path, ...] = ()
    flags: Mapping[str, object] = field(default_factory=dict)


def make_evidence(request: EvidenceRequest, *, as_json: bool) -> int:
    """Build what is missing and print a line an issue; returns the exit code."""
    progress = ProgressDisplay(sys.stderr)
    given = load_settings(config_files=request.config_files, flags={"runs": request.runs})
    run = Store(given.runs_folder()).open(request.run)
    resolved = recorded(run.info().settings, request.flags)
    clean_up(progress.say)
    failed = False
    for gathered in tables_of(run, resolved, progress, request.instances):
        failed |= gathered.table is None
        if as_json:
            print(json.dumps(summary(gathered)), flush=True)
        else:
            print(line(gathered), flush=True)
    return ExitCode.ENVIRONMENT if failed else ExitCode.SUCCESS


def tables_of(
    run: Run,
    resolved: Resolved,
    progress: ProgressDisplay,
    instances: tuple[str, ...] = (),
    engine: Callable[[PolicyChoice], OpenPolicy] | None = None,
) -> Iterator[Gathered]:
    """The tables of a run, built by this process alone; raises NotReadyError beside another.

    `engine` gives a model that is open already, to write tests and to predict with.
    """
    lock = FileLock(run.folder / LOCK, timeout=0)
    try:
        lock.acquire()
    except Timeout as error:
        raise NotReadyError(
            f"another process is building the evidence of run {run.name}"
        ) from error
    with ExitStack() as stack:
        stack.callback(lock.release)
        opened = _model(run, resolved, progress, stack, engine)
        yield from gather(
            run,
            resolved,
            progress.say,
            instances=instances,
            generate=_writer(opened, resolved),
            predict=_tracer(opened, resolved, progress),
        )


def _model(
    run: Run,
    resolved: Resolved,
    progress: ProgressDisplay,
    stack: ExitStack,
    engine: Callable[[PolicyChoice], OpenPolicy] | None,
) -> OpenPolicy | None:
    """Who writes tests and predicts: the model that solved, if it is one and is asked."""
    wanted = resolved.settings.scaling
    choices = {issue.job.policy for issue in sampled_issues(run)}
    if not (wanted.tests or wanted.traces) or len(choices) != 1:
        return None
    (choice,) = choices
    if choice.kind not in SHARED:
        return None
    if engine is not None:
        return engine(choice)
    opened = open_policy(choice, resolved.settings, show=progress.show, say=progress.say)
    stack.callback(opened.policy.close)
    return opened


def _writer(opened: OpenPolicy | None, resolved: Resolved) -> Generate | None:
    if opened is None or not resolved.settings.scaling.tests:
        return None
    return TestWriter(opened, Rules.of(resolved), CancelToken())


def _tracer(
    opened: OpenPolicy | None, resolved: Resolved, progress: ProgressDisplay
) -> Predict | None:
    if not resolved.settings.scaling.traces:
        return None
    policy = None if opened is None else opened.policy
    if not isinstance(policy, EmbeddedPolicy):
        progress.say("scaling.traces needs a checkpoint in this process: nothing is predicted")
        return None
    predictor = EnginePredictor(policy.folder, policy.engine, policy.tokenizer, policy.vocabulary)
    return partial(predict_calls, predictor)


def summary(gathered: Gathered) -> dict[str, object]:
    """One issue as an object: how much evidence there is, or why there is none."""
    if gathered.table is None:
        return {"instance": gathered.instance, "error": gathered.error}
    table = gathered.table
    filled = sum(1 for _ in table.filled())
    return {
        "instance": table.instance,
        "candidates": len(table.candidates),
        "patches": len({c.ast for c in table.candidates if c.ast}),
        "behaviours": len({c.behaviour for c in table.candidates if c.behaviour}),
        "columns": {kind: len(table.of_kind(kind)) for kind in _kinds(table)},
        "reproductions": len(table.of_role("reproduction")),
        "missing": len(table.candidates) * len(table.columns) - filled,
    }


def line(gathered: Gathered) -> str:
    """The same for people."""
    found = summary(gathered)
    if gathered.table is None:
        return f"{gathered.instance}: no evidence: {gathered.error}"
    columns = ", ".join(f"{len(gathered.table.of_kind(k))} {k}" for k in _kinds(gathered.table))
    samples = counted(len(gathered.table.candidates), "sample")
    patches = counted(_number(found, "patches"), "patch", "patches")
    behaviours = counted(_number(found, "behaviours"), "behaviour")
    missing = (
        f", {counted(absent, 'cell')} missing" if (absent := _number(found, "missing")) else ""
    )
    return (
        f"{gathered.instance}: {samples}, {patches}, {behaviours}; "
        f"{columns or 'no columns'}{missing}"
    )


def _number(found: Mapping[str, object], name: str) -> int:
    number = found[name]
    assert isinstance(number, int)
    return number


def _kinds(table: Table) -> list[Kind]:
    return list(dict.fromkeys(column.kind for column in table.columns))
