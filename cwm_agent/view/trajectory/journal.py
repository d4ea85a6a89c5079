"""Our own journals as trajectories, read once or followed as they grow."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from cwm_agent.view.trajectory.steps import Steps
from cwm_agent.view.trajectory.trajectory import Outcome, Trajectory
from cwm_agent.wording import counted
from results.errors import ResultsError
from results.journal import Entry, Lines
from results.predictions import digest
from results.records import (
    AttemptResult,
    AttemptStarted,
    Branched,
    Ended,
    Replied,
    Snapshot,
    Submitted,
)
from results.scores import Score, Verdicts
from results.store import Attempt, Run


class JournalReader:
    """Builds the trajectory of one attempt; `poll` takes what was appended since.

    A damaged line ends the reading: what stands before it is kept, `problem` names it.
    """

    def __init__(self, attempt: Attempt) -> None:
        self.attempt = attempt
        self.last_time = ""
        self.problem = ""
        self._lines = Lines(attempt.events_path)
        self._steps = Steps()
        self._started: AttemptStarted | None = None
        self._first = ""
        self._ended: Ended | None = None
        self._log: list[str] = []

    def poll(self, most: int | None = None) -> bool:
        """Read on, about `most` bytes if that is given; returns whether anything was new."""
        if self.problem:
            return False
        seen = self._lines.count
        try:
            for entry in self._lines.entries(most):
                self._take(entry)
        except ResultsError as error:
            self.problem = str(error)
            return True
        return self._lines.count != seen

    def trajectory(self, run: Run | None = None, verdicts: Verdicts | None = None) -> Trajectory:
        """What is known now; result, score and settings of the run are read anew."""
        problem, result = self.problem, None
        try:
            result = self.attempt.result()
        except ResultsError as error:
            problem = problem or str(error)
        started = self._started
        facts, limit = ({}, 0) if run is None else _facts(run, started)
        return Trajectory(
            instance=started.instance if started else self.attempt.folder.parent.name,
            sample=self.attempt.sample,
            policy=started.policy if started else "",
            opening=tuple(self._steps.opening),
            opening_ids=tuple(self._steps.opening_ids),
            steps=tuple(self._steps.known),
            outcome=self._outcome(result, verdicts),
            facts=facts,
            context_limit=limit,
            started=self._first,
            problem=problem,
            log="\n".join(self._log),
        )

    def _outcome(self, result: AttemptResult | None, verdicts: Verdicts | None) -> Outcome:
        output = self.attempt.test_output()
        tests = output.read_text("utf-8", "replace") if output else ""
        if result is None:
            ended = self._ended
            return Outcome(
                exit=ended.reason if ended else "",
                patch=self._steps.patch,
                detail=ended.detail if ended else "",
                seconds=_between(self._first, self.last_time),
                test_output=tests,
            )
        score = verdicts.score(result.instance, digest(result.patch)) if verdicts else None
        return Outcome(
            exit=result.exit_reason,
            over=True,
            resolved=_resolved(score, result),
            patch=result.patch,
            verdict=score.verdict if score else result.verdict,
            graded=score is not None,
            detail=" · ".join(filter(None, (result.detail, _said(score)))),
            seconds=result.seconds,
            test_output=tests,
        )

    def _take(self, entry: Entry) -> None:
        self._first = self._first or entry.time
        self.last_time = entry.time
        self._steps.take(entry.event, entry.time)
        match entry.event:
            case AttemptStarted() as started:
                self._note(entry, f"attempt begins in {started.sandbox}, process {started.pid}")
                self._started, self._ended = started, None
            case Replied() as replied:
                last = self._steps.known[-1]
                facts = f"{counted(last.tokens.written, 'token')} in {last.spent.model:.1f} s"
                said = f"reply, {facts}, context {last.tokens.context}"
                self._note(entry, f"turn {replied.turn}: {said}")
            case Snapshot() as snapshot:
                self._note(entry, f"turn {snapshot.turn}: working tree {snapshot.tree[:12]}")
            case Submitted() as submitted:
                said = "submitted" + " a patch" * bool(submitted.patch)
                self._note(entry, f"turn {submitted.turn}: {said}")
            case Branched() as branched:
                said = f"taken over from sample {branched.sample} after turn {branched.turn}"
                self._note(entry, said)
            case Ended() as ended:
                self._ended = ended
                self._note(entry, f"ended: {ended.reason}{': ' * bool(ended.detail)}{ended.detail}")
            case _:
                pass

    def _note(self, entry: Entry, text: str) -> None:
        self._log.append(f"{entry.time}  {text}")


def read_attempt(attempt: Attempt, run: Run | None = None) -> Trajectory:
    """An attempt as it is now."""
    reader = JournalReader(attempt)
    reader.poll()
    return reader.trajectory(run, Verdicts(run.scores) if run else None)


def _resolved(score: Score | None, result: AttemptResult) -> bool | None:
    if score is None:
        return result.resolved
    return None if score.outcome == "infrastructure" else score.outcome == "resolved"


def _said(score: Score | None) -> str:
    if score is None:
        return ""
    return f"graded: {score.outcome}" + (f" ({score.failure})" if score.failure else "")


def _facts(run: Run, started: AttemptStarted | None) -> tuple[dict[str, str], int]:
    facts: dict[str, str] = {"run": str(run.folder)}
    if started is not None:
        facts |= {"policy": started.policy, "sandbox": started.sandbox, "mode": started.mode,
                  "prompts": started.prompt_pack}  # fmt: skip
    limit = 0
    try:
        info = run.info()
    except ResultsError as error:
        return facts | {"run.json": str(error)}, 0
    facts |= {"created": info.created, "command": " ".join(info.command)}
    facts |= {f"version of {name}": value for name, value in info.versions.items()}
    facts |= {f"hash of {name}": value for name, value in info.hashes.items()}
    facts |= {f"seed of {name}": str(value) for name, value in info.seeds.items()}
    for name, record in info.settings.items():
        facts[name] = f"{record.value}  ({record.origin})"
        if name == "limits.context_tokens" and isinstance(record.value, int):
            limit = record.value
    return facts, limit


def _between(first: str, last: str) -> float:
    if not first or not last:
        return 0.0
    return (datetime.fromisoformat(last) - datetime.fromisoformat(first)).total_seconds()


def journal_of(folder: Path) -> Attempt:
    """The attempt of a folder RUN/INSTANCE/SAMPLE."""
    return Attempt(folder, int(folder.name) if folder.name.isdecimal() else 0)
