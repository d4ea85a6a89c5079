"""What came out of a run, as `report.json` has it: figures over predictions and attempts."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean, median
from typing import Literal

from results.errors import RunNotFoundError
from results.files import read_record
from results.records import ExitReason
from results.reports.metrics import Share, pass_at_k, share
from results.reports.sampled import Sampled
from results.reports.validity import Evidence, Validity, build_validity
from results.scores import ScoreOutcome

REPORT_FILE = "report.json"
UNKNOWN = "not said"

Counted = Literal["first", "last"]
"""Which of the predictions of an instance the headline counts."""


@dataclass(frozen=True, slots=True)
class Line:
    """One prediction. The fields from `exit_reason` to `seconds` need the attempt, 0 without it.

    `cost` is the attempt's in the report's currency, None where no price was named.

    `tests` names the tests of the row and whether they passed. `carried` names
    files that no patch should carry into its own scoring ("path (reason)"),
    `stripped` says whether they were left out. `similarity` to the reference
    patch is a side figure: patches that differ from it may be right.

    `model` predicted; `year` is that of the issue. `image` is the id of the
    image that it was graded in. `failure` is the official package's word for
    what may lie behind a failure, `environmental` whether that is the environment.
    """

    instance: str
    sample: int
    repository: str
    difficulty: str
    outcome: ScoreOutcome
    detail: str = ""
    fail_to_pass: dict[str, bool] = field(default_factory=dict)
    pass_to_pass: dict[str, bool] = field(default_factory=dict)
    grading_seconds: float = 0.0
    similarity: float | None = None
    carried: tuple[str, ...] = ()
    log: str = ""
    exit_reason: ExitReason | None = None
    turns: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    seconds: float = 0.0
    cost: float | None = None
    model: str = ""
    year: str = ""
    image: str = ""
    failure: str = ""
    environmental: bool = False
    cpu_seconds: float = 0.0

    @property
    def resolved(self) -> bool:
        """Whether the patch resolved the issue; a failure of the infrastructure counts as no."""
        return self.outcome == "resolved"


@dataclass(frozen=True, slots=True)
class Spread:
    """Mean, median and sum over attempts."""

    mean: float
    median: float
    total: float


@dataclass(frozen=True, slots=True)
class Cost:
    """Of all attempts, and of an instance with all its samples. `basis` is what was counted."""

    total: float
    per_instance: float
    currency: str
    basis: str


@dataclass(frozen=True, slots=True)
class Report:
    """`report.json`.

    `resolved` counts one prediction of each instance, the one that `counted`
    says; as in the official report a failure of the infrastructure is not
    resolved. `graded` is the same share without those. `of_suite` counts
    instances without a prediction as not resolved, too.

    `control_failed` names the predictions that speak against the images or
    rows, where a control was graded. `failures` counts the kinds that the
    official package tells apart. `made` is a time in ISO 8601, `version` ours;
    `logs` leads from the report's folder to where the log folders start.
    """

    name: str
    suite: str
    suite_key: str
    grader: str
    models: tuple[str, ...]
    modes: tuple[str, ...]
    stripped: bool
    instances: int
    predictions: int
    suite_size: int
    resolved: Share
    graded: Share
    of_suite: Share
    pass_at: dict[str, float]
    repositories: dict[str, Share]
    difficulties: dict[str, Share]
    outcomes: dict[str, int]
    exit_reasons: dict[str, int]
    usage: dict[str, Spread]
    lines: tuple[Line, ...]
    cost: Cost | None = None
    counted: Counted = "first"
    by_model: dict[str, Share] = field(default_factory=dict)
    years: dict[str, Share] = field(default_factory=dict)
    failures: dict[str, int] = field(default_factory=dict)
    control: str = ""
    control_failed: tuple[str, ...] = ()
    made: str = ""
    version: str = ""
    logs: str = ""
    sampled: Sampled | None = None
    """Of problems with several samples each, which the headline then counts."""
    validity: Validity | None = None

    @property
    def headline(self) -> list[Line]:
        """The lines that `resolved` counts, by instance."""
        return counted_lines(self.lines, self.counted)


@dataclass(frozen=True, slots=True)
class Heading:
    """What a report is about; see Report for the fields of the same names."""

    name: str
    suite: str
    suite_key: str
    suite_size: int
    grader: str
    models: tuple[str, ...] = ()
    modes: tuple[str, ...] = ()
    stripped: bool = False
    currency: str = ""
    cost_basis: str = ""
    counted: Counted = "first"
    control: str = ""
    made: str = ""
    version: str = ""
    logs: str = ""


def build_report(
    heading: Heading, lines: Sequence[Line], evidence: Evidence | None = None
) -> Report:
    """All figures over the predictions; with `evidence` the ledger of validity, too."""
    ordered = sorted(lines, key=lambda line: (line.instance, line.sample))
    counted = counted_lines(ordered, heading.counted)
    right = sum(line.resolved for line in counted)
    failed = sum(line.outcome == "infrastructure" for line in counted)
    attempts = [line for line in ordered if line.exit_reason is not None]
    return Report(
        heading.name,
        heading.suite,
        heading.suite_key,
        heading.grader,
        heading.models,
        heading.modes,
        heading.stripped,
        instances=len(counted),
        predictions=len(ordered),
        suite_size=heading.suite_size,
        resolved=share(right, len(counted)),
        graded=share(right, len(counted) - failed),
        of_suite=share(right, max(heading.suite_size, len(counted))),
        pass_at=_pass_at(ordered),
        repositories=_shares(counted, lambda line: line.repository),
        difficulties=_shares(counted, lambda line: line.difficulty),
        outcomes=dict(Counter(line.outcome for line in ordered).most_common()),
        exit_reasons=dict(Counter(str(line.exit_reason) for line in attempts).most_common()),
        usage=_usage(attempts),
        lines=tuple(ordered),
        cost=_cost(heading, attempts),
        counted=heading.counted,
        by_model=_shares(counted, lambda line: line.model),
        years=_shares(counted, lambda line: line.year),
        failures=dict(Counter(line.failure for line in ordered if line.failure).most_common()),
        control=heading.control,
        control_failed=_control_failed(heading.control, ordered),
        made=heading.made,
        version=heading.version,
        logs=heading.logs,
        validity=None if evidence is None else build_validity(counted, evidence),
    )


def counted_lines(lines: Iterable[Line], counted: Counted) -> list[Line]:
    """The line with the smallest or the largest sample number of each instance, by instance."""
    found: dict[str, Line] = {}
    for line in sorted(lines, key=lambda line: line.sample, reverse=counted == "first"):
        found[line.instance] = line
    return [found[instance] for instance in sorted(found)]


def read_report(place: Path) -> Report:
    """The report in a folder; raises RunNotFoundError when there is none."""
    report = read_record(Report, place / REPORT_FILE)
    if report is None:
        raise RunNotFoundError(f"{place} has no report; make one with `cwm-agent score {place}`")
    return report


def _control_failed(control: str, lines: Iterable[Line]) -> tuple[str, ...]:
    """Gold must be resolved and noop must not; what could not be graded speaks against neither."""
    if not control:
        return ()
    graded = (line for line in lines if line.outcome != "infrastructure")
    return tuple(line.instance for line in graded if line.resolved != (control == "gold"))


def _pass_at(lines: Sequence[Line]) -> dict[str, float]:
    """pass@k for 1, 2, 4, ... and the number of samples that every instance has."""
    outcomes: dict[str, list[bool]] = defaultdict(list)
    for line in lines:
        outcomes[line.instance].append(line.resolved)
    most = min((len(samples) for samples in outcomes.values()), default=0)
    wanted = sorted({k for k in (1, 2, 4, 8, 16, 32, 64, most) if 0 < k <= most})
    return {
        str(k): round(fmean(pass_at_k(len(s), sum(s), k) for s in outcomes.values()), 4)
        for k in wanted
    }


def _shares(lines: Iterable[Line], group: Callable[[Line], str]) -> dict[str, Share]:
    groups: dict[str, list[bool]] = defaultdict(list)
    for line in lines:
        groups[group(line) or UNKNOWN].append(line.resolved)
    return {name: share(sum(found), len(found)) for name, found in sorted(groups.items())}


def _usage(lines: Sequence[Line]) -> dict[str, Spread]:
    """Of one attempt: turns, tokens and seconds."""
    if not lines:
        return {}
    columns: dict[str, list[float]] = {
        "turns": [line.turns for line in lines],
        "prompt_tokens": [line.prompt_tokens for line in lines],
        "completion_tokens": [line.completion_tokens for line in lines],
        "seconds": [line.seconds for line in lines],
    }
    found = {name: _spread(values, 2) for name, values in columns.items()}
    if costs := [line.cost for line in lines if line.cost is not None]:
        found["cost"] = _spread(costs, 6)
    return found


def _spread(values: Sequence[float], digits: int) -> Spread:
    figures = fmean(values), float(median(values)), float(sum(values))
    return Spread(*(round(figure, digits) for figure in figures))


def _cost(heading: Heading, lines: Sequence[Line]) -> Cost | None:
    """None where nothing has a price."""
    costs = [line.cost for line in lines if line.cost is not None]
    if not costs:
        return None
    instances = len({line.instance for line in lines if line.cost is not None})
    total = sum(costs)
    return Cost(round(total, 6), round(total / instances, 6), heading.currency, heading.cost_basis)
