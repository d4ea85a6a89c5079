"""What the attempts of a run cost, by prices from the settings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from cwm_agent.attempt.attempt import active_spans
from cwm_agent.config.settings import CostSettings
from cwm_agent.scoring.report_lines import Attempts
from results.store import Run

MILLION = 1e6
HOUR = 3600.0


@dataclass(frozen=True, slots=True)
class Costs:
    """Money by instance and sample. `basis` says in words what it was counted by."""

    by_attempt: Mapping[tuple[str, int], float]
    currency: str = ""
    basis: str = ""


def costs_of(prices: CostSettings, run: Run | None, attempts: Attempts) -> Costs:
    """What each attempt cost; nothing where no price is set, or where there is no run."""
    fees = {
        "input": prices.per_million_input_tokens,
        "output": prices.per_million_output_tokens,
    }
    said = [
        f"{price:g} {prices.currency} for a million {kind} tokens"
        for kind, price in fees.items()
        if price is not None
    ]
    total = {
        key: (result.prompt_tokens / MILLION) * (fees["input"] or 0.0)
        + (result.completion_tokens / MILLION) * (fees["output"] or 0.0)
        for key, result in attempts.items()
    }
    if run is not None and prices.per_gpu_hour is not None:
        gpus, busy = prices.gpus or _gpus(run), busy_seconds(run)
        whole = busy / HOUR * gpus * prices.per_gpu_hour
        seconds = sum(result.seconds for result in attempts.values())
        for key, result in attempts.items():
            # Attempts share the GPUs, so each bears its part of the time that all of them took.
            total[key] += whole * result.seconds / seconds if seconds else 0.0
        said.append(
            f"{prices.per_gpu_hour:g} {prices.currency} for a GPU hour, {gpus} GPU, "
            f"{busy / HOUR:.2f} h"
        )
    if run is None or not said:
        return Costs({})
    return Costs(total, prices.currency, "; ".join(said))


def busy_seconds(run: Run) -> float:
    """The time in which at least one attempt of the run was at work."""
    spans = (span for attempt in run.attempts() for span in active_spans(attempt.entries()))
    return covered(spans)


def covered(spans: Iterable[tuple[float, float]]) -> float:
    """The length of the union of spans."""
    total, reached = 0.0, float("-inf")
    for begin, end in sorted(spans):
        total += max(0.0, end - max(begin, reached))
        reached = max(reached, end)
    return total


def _gpus(run: Run) -> int:
    """The devices of the run's engine."""
    found = run.info().settings.get("engine.tensor_parallel")
    return found.value if found is not None and isinstance(found.value, int) else 1
