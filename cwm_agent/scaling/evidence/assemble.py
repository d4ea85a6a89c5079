"""From executions to the table: a pure function, so the same executions give the same table."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from cwm_agent.scaling.clusters import clustered
from cwm_agent.scaling.evidence.code import MEANING, all_outputs, call_name
from cwm_agent.scaling.evidence.executions import FILE, Execution, Executions
from cwm_agent.scaling.evidence.issue import BEFORE, Sample, SampledIssue, state_of
from cwm_agent.scaling.evidence.plan import Plan
from cwm_agent.scaling.evidence.scripts import Script
from cwm_agent.scaling.evidence.traced import score, traces_name
from cwm_agent.scaling.normalise import digest
from cwm_agent.scaling.table import Candidate, Cell, Column, Outcome, Table
from results.records import Graded

NOT_APPLIED = "apply"
"""The test that a patch fails which does not apply."""
GRADE = "grade"
_CellOf = Callable[[str], Cell | None]
MOST_INPUTS = 8
"""Distinguishing inputs of an issue; fewer tell candidates apart mostly."""
LOG = f"evidence/{FILE}"


def suite_name(plan: Plan) -> str:
    """The name of the run of the repository's tests, "" where there are none."""
    return f"suite-{digest(plan.suite)}" if plan.suite else ""


def calls_name(plan: Plan) -> str:
    """The name of the set of calls."""
    return f"calls-{digest(repr(plan.calls))}"


def assemble(issue: SampledIssue, plan: Plan, executions: Executions, repeats: int) -> Table:
    """The table of an issue; what was not executed is missing in it."""
    made = _Made(issue, plan, executions, repeats)
    columns: list[Column] = []
    cells: dict[str, dict[str, Cell]] = {s.candidate.id: {} for s in issue.samples}
    for column, row in (
        *made.existing(),
        *made.scripts(),
        *made.inputs(),
        *made.grades(),
        *made.traces(),
    ):
        columns.append(column)
        for candidate, cell in row.items():
            cells[candidate][column.id] = cell
    candidates = tuple(made.candidate(sample) for sample in issue.samples)
    return clustered(Table(issue.instance, candidates, tuple(columns), cells))


class _Made:
    """What is known of one issue, column by column."""

    def __init__(
        self, issue: SampledIssue, plan: Plan, executions: Executions, repeats: int
    ) -> None:
        self._issue = issue
        self._plan = plan
        self._executions = executions
        self._repeats = repeats
        self._states = {s.candidate.id: state_of(s.result.patch) for s in issue.samples}

    def candidate(self, sample: Sample) -> Candidate:
        """The row, with the cluster of its code where the patched files were read."""
        candidate = sample.candidate
        read = self._executions.get(self._states[candidate.id], MEANING, 0)
        return replace(candidate, ast=read.outputs[""]) if read and candidate.ast else candidate

    def existing(self) -> list[tuple[Column, dict[str, Cell]]]:
        """Tests of the repository that pass on the unpatched code every time."""
        name = suite_name(self._plan)
        before = self._all(BEFORE, name)
        if not before or any("broken" in one.outputs for one in before):
            return []
        first = before[0].outcomes
        sound = [t for t in first if all(one.outcomes.get(t) == "pass" for one in before)]
        runs = {state: self._all(state, name) for state in set(self._states.values())}
        found = []
        for test in sound:
            column = Column(f"existing-{digest(test)}", "existing", None, "pass", test, test)
            row = self._row(lambda state, test=test: _of_suite(runs[state], test))  # type: ignore[misc]
            found.append((column, row))
        return found

    def scripts(self) -> list[tuple[Column, dict[str, Cell]]]:
        """Tests that a candidate passes, and calls of the issue that none of them gets right.

        A test that somebody wrote and that all fail is more likely wrong than all candidates.
        """
        found = []
        for script in self._plan.scripts:
            before = self._all(BEFORE, script.id)
            if not before:
                continue
            outcomes = {one.outcomes[""] for one in before}
            first = before[0].outcomes[""]
            row = self._row(lambda state, script=script: self._of_script(state, script))  # type: ignore[misc]
            passed = any(cell.outcome == "pass" for cell in row.values())
            checks = script.kind == "generated" or script.rule == "exit"
            quoted = script.kind == "generated" and script.origin is None and first == "fail"
            if not (passed or quoted) or (first != "fail" and not checks):
                continue
            column = Column(
                script.id,
                script.kind,
                script.origin,
                first,
                script.name,
                script.source,
                flaky=len(outcomes) > 1,
            )
            found.append((column, row))
        return found

    def inputs(self) -> list[tuple[Column, dict[str, Cell]]]:
        """Few calls of touched functions that tell as many candidates apart as all calls do."""
        name = calls_name(self._plan)
        states = sorted(set(self._states.values()) - {BEFORE})
        runs = {state: self._all(state, name) for state in states}
        seen = {state: all_outputs(made) for state, made in runs.items() if made}
        before = self._all(BEFORE, name)
        old = all_outputs(before) if before else {}
        found = []
        for call in _telling([call_name(c) for c in self._plan.calls], seen)[:MOST_INPUTS]:  # type: ignore[arg-type]
            column = Column(f"input-{digest(call)}", "distinguishing", None, None, call, call)
            row = {
                candidate: Cell(
                    "other", output=seen[state][call], log=LOG, repeats=len(runs[state])
                )
                for candidate, state in self._states.items()
                if call in seen.get(state, {})
            }
            unchanged = {
                candidate: Cell("other", output=old[call], log=LOG, repeats=len(before))
                for candidate, state in self._states.items()
                if state == BEFORE and call in old
            }
            found.append((column, row | unchanged))
        return found

    def grades(self) -> list[tuple[Column, dict[str, Cell]]]:
        """What the samples say of themselves."""
        row = {}
        for sample in self._issue.samples:
            given = [event for event in sample.events if isinstance(event, Graded)]
            if given:
                row[sample.candidate.id] = Cell("other", score=given[-1].grade)
        return [(Column(GRADE, "grade", name="grade in the finished session"), row)] if row else []

    def traces(self) -> list[tuple[Column, dict[str, Cell]]]:
        """What the model predicts of the issue's calls."""
        name = traces_name(self._plan.traces)
        row = {}
        for candidate, state in self._states.items():
            found = self._executions.get(state, name, 0)
            if found is None:
                continue
            value = score(found, self._executions, self._plan.scripts)
            if value is not None:
                row[candidate] = Cell("other", score=value, seconds=found.seconds, log=LOG)
        return [(Column(name, "trace", name="predicted calls of the issue"), row)] if row else []

    def _all(self, state: str, test: str) -> list[Execution]:
        """Every repetition, or none of them where one is missing."""
        found = [self._executions.get(state, test, turn) for turn in range(self._repeats)]
        return [one for one in found if one is not None] if None not in found else []

    def _row(self, cell: _CellOf) -> dict[str, Cell]:
        made: dict[str, Cell | None] = {}
        for state in set(self._states.values()):
            if self._executions.get(state, NOT_APPLIED, 0) is not None:
                made[state] = _cell(["fail"], 0.0)
            else:
                made[state] = cell(state)
        row = {candidate: made[state] for candidate, state in self._states.items()}
        return {candidate: found for candidate, found in row.items() if found is not None}

    def _of_script(self, state: str, script: Script) -> Cell | None:
        made = self._all(state, script.id)
        outcomes: list[Outcome] = [one.outcomes[""] for one in made]
        return _cell(outcomes, sum(one.seconds for one in made)) if made else None


def _of_suite(made: Sequence[Execution], test: str) -> Cell | None:
    if not made:
        return None
    outcomes: list[Outcome] = []
    for one in made:
        slow = "took too long" in one.outputs.get("broken", "")
        outcomes.append(one.outcomes.get(test, "timeout" if slow else "fail"))
    return _cell(outcomes, sum(one.seconds for one in made))


def _cell(outcomes: Sequence[Outcome], seconds: float) -> Cell:
    """Repeats as one cell; where they differ, the worst is the outcome."""
    passes = sum(outcome == "pass" for outcome in outcomes)
    worst: Outcome = next((outcome for outcome in outcomes if outcome != "pass"), "pass")
    return Cell(worst, seconds=round(seconds, 3), log=LOG, repeats=len(outcomes), passes=passes)


def _telling(calls: Sequence[str], seen: Mapping[str, Mapping[str, str]]) -> list[str]:
    """Calls by how many pairs of states each tells apart that those before it do not."""
    parts: list[set[str]] = [set(seen)]
    left, chosen = list(dict.fromkeys(calls)), list[str]()
    while left:
        best = max(left, key=lambda call: (_split(parts, seen, call), -left.index(call)))
        if not _split(parts, seen, best):
            break
        left.remove(best)
        chosen.append(best)
        parts = [set(part) for whole in parts for part in _by_output(whole, seen, best).values()]
    return chosen


def _split(parts: Sequence[set[str]], seen: Mapping[str, Mapping[str, str]], call: str) -> int:
    """How many pairs within a part differ on a call."""
    pairs = 0
    for whole in parts:
        sizes = [
            len(part) for key, part in _by_output(whole, seen, call).items() if key is not None
        ]
        pairs += (sum(sizes) ** 2 - sum(size**2 for size in sizes)) // 2
    return pairs


def _by_output(
    states: set[str], seen: Mapping[str, Mapping[str, str]], call: str
) -> dict[str | None, list[str]]:
    found: dict[str | None, list[str]] = {}
    for state in sorted(states):
        found.setdefault(seen[state].get(call), []).append(state)
    return found
