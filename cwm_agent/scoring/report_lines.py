"""One line of the report for each prediction: its score, and the attempt that it came from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace

from cwm_agent.scoring.candidates import Candidate, unwanted
from cwm_agent.view.scan.rates import scanner_rates
from results.errors import ResultsError
from results.found import Enforced
from results.records import AttemptResult
from results.reports.report import Line
from results.reports.similarity import similarity
from results.reports.validity import Evidence, Flawed
from results.scores import ScoreBook
from results.store import Run

Attempts = Mapping[tuple[str, int], AttemptResult]
"""Results of attempts by instance and sample."""


def lines_of(
    candidates: Iterable[Candidate], book: ScoreBook, attempts: Attempts
) -> tuple[Line, ...]:
    """A line for each candidate, all of which have a score."""
    return tuple(
        with_attempt(_line(candidate, book), attempts.get(_place(candidate)))
        for candidate in candidates
    )


def recorded_lines(attempts: Attempts) -> tuple[Line, ...]:
    """Lines from the verdicts that a run has of its own tests."""
    lines = []
    for (instance, sample), result in attempts.items():
        verdict = result.verdict
        line = Line(
            instance,
            sample,
            repository="",
            difficulty="",
            outcome="resolved" if result.resolved else "unresolved",
            detail=verdict.detail if verdict else "",
            fail_to_pass=verdict.fail_to_pass if verdict else {},
            pass_to_pass=verdict.pass_to_pass if verdict else {},
            carried=_carried(result.patch),
        )
        of_state = verdict is not None and verdict.state
        if not result.patch.strip() and not result.resolved and not of_state:
            line = replace(line, outcome="empty")
        lines.append(with_attempt(line, result))
    return tuple(lines)


def evidence_of(
    work: Iterable[Candidate], book: ScoreBook | None, run: Run | None, flawed: Flawed
) -> Evidence:
    """What the ledger of validity is made of; without a book nothing was graded."""
    regraded, flipped, graders = set[str](), set[str](), Counter[str]()
    for key, item in {item.key: item for item in work}.items():
        known = book.history(key, item.under) if book else []
        if len(known) > 1:
            regraded.add(item.instance.id)
        if len({score.outcome == "resolved" for score in known}) > 1:
            flipped.add(item.instance.id)
        graders.update(str(score.enforced) for score in known[-1:] if score.enforced)
    places = Counter[str]()
    for attempt in run.attempts() if run else ():
        found = [e.event for e in attempt.entries() if isinstance(e.event, Enforced)]
        places.update(str(event) for event in found[-1:])
    rates = scanner_rates(run) if run else {}
    return Evidence(flawed, regraded, flipped, rates, places, graders)


def priced(lines: Iterable[Line], costs: Mapping[tuple[str, int], float]) -> tuple[Line, ...]:
    """The lines with what their attempts cost."""
    return tuple(replace(line, cost=costs.get((line.instance, line.sample))) for line in lines)


def with_attempt(line: Line, result: AttemptResult | None) -> Line:
    """The line with what the attempt used and why it ended."""
    if result is None:
        return line
    return replace(
        line,
        exit_reason=result.exit_reason,
        turns=result.turns,
        prompt_tokens=result.prompt_tokens,
        completion_tokens=result.completion_tokens,
        seconds=result.seconds,
    )


def _line(candidate: Candidate, book: ScoreBook) -> Line:
    score = book.get(candidate.key, candidate.under)
    if score is None:
        raise ResultsError(f"{candidate.instance.id} has no score; run the same command again")
    patch = candidate.prediction.patch
    return Line(
        candidate.instance.id,
        candidate.prediction.sample,
        candidate.instance.repository,
        candidate.instance.difficulty,
        score.outcome,
        score.verdict.detail,
        score.verdict.fail_to_pass,
        score.verdict.pass_to_pass,
        score.seconds,
        similarity(patch, candidate.instance.gold) if patch.strip() else None,
        _carried(patch),
        score.log,
        model=candidate.prediction.model,
        year=candidate.instance.year,
        image=score.under.image if score.under else "",
        failure=score.failure,
        environmental=score.environmental,
    )


def _place(candidate: Candidate) -> tuple[str, int]:
    return candidate.instance.id, candidate.prediction.sample


def _carried(patch: str) -> tuple[str, ...]:
    return tuple(f"{found.path} ({found.reason})" for found in unwanted(patch).dropped)
