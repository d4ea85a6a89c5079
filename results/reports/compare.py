"""Two runs over the same instances, instance by instance."""

from __future__ import annotations

from dataclasses import dataclass

from results.reports.bootstrap import Estimate, difference_of, mean_of
from results.reports.markdown import percent
from results.reports.metrics import Share, mcnemar, share
from results.reports.report import Line, Report


@dataclass(frozen=True, slots=True)
class Comparison:
    """What the headlines of `first` and `second` count, paired by instance.

    `p_value` is McNemar's exact test on the instances that only one of them
    resolves. `left_out` could not be graded in one of them; `alone` stand in
    one report only. Neither counts.
    """

    first: str
    second: str
    same_suite: bool
    first_resolved: Share
    second_resolved: Share
    both: int
    neither: int
    only_first: tuple[str, ...]
    only_second: tuple[str, ...]
    p_value: float
    left_out: tuple[str, ...]
    alone: tuple[str, ...]
    samples: SampledComparison | None = None


@dataclass(frozen=True, slots=True)
class SampledComparison:
    """pass@1 over all samples, on the problems that both have; `gain` is second - first."""

    first: Estimate
    second: Estimate
    gain: Estimate


def compare(first: Report, second: Report) -> Comparison:
    """Pair two reports."""
    one, two = _by_instance(first), _by_instance(second)
    common = sorted(one.keys() & two.keys())
    left_out = [
        name for name in common if "infrastructure" in (one[name].outcome, two[name].outcome)
    ]
    paired = [name for name in common if name not in left_out]
    only_first = [n for n in paired if one[n].resolved and not two[n].resolved]
    only_second = [n for n in paired if two[n].resolved and not one[n].resolved]
    both = sum(one[name].resolved and two[name].resolved for name in paired)
    return Comparison(
        first.name,
        second.name,
        same_suite=first.suite_key == second.suite_key,
        first_resolved=share(both + len(only_first), len(paired)),
        second_resolved=share(both + len(only_second), len(paired)),
        both=both,
        neither=len(paired) - both - len(only_first) - len(only_second),
        only_first=tuple(only_first),
        only_second=tuple(only_second),
        p_value=mcnemar(len(only_first), len(only_second)),
        left_out=tuple(left_out),
        alone=tuple(sorted(one.keys() ^ two.keys())),
        samples=_samples(first, second),
    )


def _samples(first: Report, second: Report) -> SampledComparison | None:
    if first.sampled is None or second.sampled is None:
        return None
    one, two = first.sampled.shares, second.sampled.shares
    common = sorted(one.keys() & two.keys())
    ours, theirs = [one[name] for name in common], [two[name] for name in common]
    return SampledComparison(mean_of(ours), mean_of(theirs), difference_of(theirs, ours))


def as_text(found: Comparison) -> str:
    """What `cwm-agent compare` prints."""
    lines = [
        f"A {found.first}: {_counted(found.first_resolved)}",
        f"B {found.second}: {_counted(found.second_resolved)}",
        f"both {found.both}, only A {len(found.only_first)}, only B {len(found.only_second)}, "
        f"neither {found.neither}; McNemar's exact test p = {found.p_value:.3g}",
    ]
    if (many := found.samples) is not None:
        gain = many.gain
        lines.append(
            f"pass@1 A {100 * many.first.value:.1f} %, B {100 * many.second.value:.1f} %, "
            f"B - A {100 * gain.value:.1f} points [{100 * gain.low:.1f}, {100 * gain.high:.1f}] "
            f"(all samples of {gain.n} problems; 95 % interval by a bootstrap over problems)"
        )
    if not found.same_suite:
        lines.append("the reports are of different suites or revisions: rows may differ")
    for title, names in (
        ("only A resolves", found.only_first),
        ("only B resolves", found.only_second),
        ("left out, not graded in one of them", found.left_out),
        ("left out, in one report only", found.alone),
    ):
        if names:
            lines += [f"{title}:", *(f"  {name}" for name in names)]
    return "\n".join(lines)


def _counted(found: Share) -> str:
    return f"{found.count} of {found.n}, {percent(found)}"


def _by_instance(report: Report) -> dict[str, Line]:
    return {line.instance: line for line in report.headline}
