"""Building the evidence table of an issue: every test on every candidate, a few at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field

from cwm_agent.attempt.interrupt import CancelToken
from cwm_agent.attempt.retries import with_retries
from cwm_agent.batch.semaphores import Semaphore
from cwm_agent.scaling.evidence.assemble import NOT_APPLIED, assemble, calls_name, suite_name
from cwm_agent.scaling.evidence.code import MEANING, PatchedCode, Times
from cwm_agent.scaling.evidence.executions import FILE as EXECUTIONS
from cwm_agent.scaling.evidence.executions import Execution, Executions
from cwm_agent.scaling.evidence.issue import BEFORE, SampledIssue
from cwm_agent.scaling.evidence.plan import FILE as PLAN
from cwm_agent.scaling.evidence.plan import Options, Plan, make_plan, origin_of
from cwm_agent.scaling.evidence.scripts import Script
from cwm_agent.scaling.evidence.traced import Predict, predicted, traces_name
from cwm_agent.scaling.storage import save_table, table_path
from cwm_agent.scaling.table import Table
from envs.errors import SandboxError
from envs.progress import Say, quiet
from envs.sandbox.sandbox import Sandbox
from envs.task import IssueTask
from results.files import read_record, write_record

FOLDER = "evidence"


@dataclass
class Places:
    """Makes the sandboxes of an issue, at most as many at once as `room` lets in."""

    make: Callable[[], Sandbox]
    room: Semaphore
    stop: CancelToken = field(default_factory=CancelToken)
    retries: int = 3


def build_evidence(
    issue: SampledIssue,
    task: IssueTask,
    places: Places,
    options: Options,
    *,
    times: Times | None = None,
    generated: Sequence[Script] = (),
    predict: Predict | None = None,
    say: Say = quiet,
) -> Table:
    """The table of an issue, also written beside its samples.

    `predict` is who predicts what the plan traces, if anybody.
    What was executed before, by whichever process, is not executed again. A
    candidate whose sandbox failed keeps missing cells, and gets them the next
    time. Raises SandboxError where not even the unpatched code can be run,
    RunFolderError when the disk refuses.
    """
    folder = issue.folder / FOLDER
    with closing(Executions(folder / EXECUTIONS)) as executions:
        builder = _Builder(issue, task, places, options, times or Times(), executions, predict, say)
        plan = read_record(Plan, folder / PLAN)
        if plan is None or plan.origin != origin_of(issue, options, generated):
            plan = builder.plan(generated)
        builder.execute(plan)
        table = assemble(issue, plan, executions, options.repeats)
    save_table(table_path(issue.folder.parent, issue.instance), table)
    return table


@dataclass(frozen=True, slots=True)
class _Builder:
    issue: SampledIssue
    task: IssueTask
    places: Places
    options: Options
    times: Times
    executions: Executions
    predict: Predict | None
    say: Say

    def plan(self, generated: Sequence[Script]) -> Plan:
        """Look at the unpatched code, and run on it what there is while it is open."""
        made: list[Plan] = []

        def look(code: PatchedCode) -> None:
            made[:] = [make_plan(self.issue, code, self.options, generated)]
            write_record(self.issue.folder / FOLDER / PLAN, made[0])
            self._run_missing(made[0], BEFORE, code)

        self._in_sandbox(BEFORE, "", look)
        return made[0]

    def execute(self, plan: Plan) -> None:
        """Run what is missing: first on the unpatched code, then on each candidate."""
        self._execute(plan, BEFORE, "")
        states = self.issue.states
        with ThreadPoolExecutor(max(1, min(len(states), self.places.room.limit))) as pool:
            try:
                list(pool.map(lambda item: self._candidate(plan, *item), states.items()))
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise

    def _candidate(self, plan: Plan, state: str, patch: str) -> None:
        try:
            self._execute(plan, state, patch)
        except SandboxError as error:
            if self.places.stop.stopped:
                raise
            who = [str(s.number) for s in self.issue.samples if s.result.patch.find(patch) >= 0]
            self.say(f"{self.issue.instance}: no evidence about sample {', '.join(who)}: {error}")

    def _execute(self, plan: Plan, state: str, patch: str) -> None:
        missing = self._missing(plan, state)
        if not missing or self.executions.get(state, NOT_APPLIED, 0) is not None:
            return
        self._in_sandbox(state, patch, lambda code: self._run_missing(plan, state, code))

    def _run_missing(self, plan: Plan, state: str, code: PatchedCode) -> None:
        for name, turn, run in self._missing(plan, state):
            del name, turn
            self.executions.add(run(code))

    def _missing(self, plan: Plan, state: str) -> list[_Run]:
        """What is to be run on a state, with its name and turn."""
        wanted: list[_Run] = []
        calls = [(module, name, arguments) for module, name, arguments in plan.calls]
        if (patch := self.issue.states.get(state)) is not None:
            wanted.append((MEANING, 0, lambda code, p=patch: code.meaning(p)))  # type: ignore[misc]
        for turn in range(self.options.repeats):
            if suite := suite_name(plan):
                wanted.append(
                    (suite, turn, lambda code, n=suite, t=turn: code.suite(n, plan.suite, t))  # type: ignore[misc]
                )
            for script in plan.scripts:
                before = self._before(script) if state != BEFORE else None
                wanted.append(
                    (script.id, turn, lambda code, s=script, t=turn, b=before: code.run(s, t, b))  # type: ignore[misc]
                )
            if calls:
                key = calls_name(plan)
                wanted.append((key, turn, lambda code, k=key, t=turn: code.calls(k, calls, t)))  # type: ignore[misc]
        if self.predict is not None and (traces := traces_name(plan.traces)):
            wanted.append((traces, 0, lambda code, p=self.predict: predicted(code, plan.traces, p)))  # type: ignore[misc]
        return [one for one in wanted if self.executions.get(state, one[0], one[1]) is None]

    def _before(self, script: Script) -> str | None:
        known = self.executions.get(BEFORE, script.id, 0)
        return known.outputs[""] if known is not None else None

    def _in_sandbox(self, state: str, patch: str, work: Callable[[PatchedCode], None]) -> None:
        """Do something with the code in a fresh sandbox, and again where that one failed."""

        def once() -> None:
            with self.places.room.hold(self.places.stop):
                sandbox = self.places.make()
                with closing(sandbox):
                    code = PatchedCode(sandbox, self.task, state, self.times)
                    if refusal := code.open(patch):
                        self.executions.add(
                            Execution(state, NOT_APPLIED, 0, {"": "fail"}, log=refusal)
                        )
                    else:
                        work(code)

        with_retries(once, self.places.retries, self.places.stop, self._told)

    def _told(self, text: str) -> None:
        self.say(f"{self.issue.instance}: {text}")


_Run = tuple[str, int, Callable[[PatchedCode], Execution]]
