"""Try the candidates of one kernel: all are compiled first, on many cores, then timed one by one.

Whoever watches picks the best (`rows.py`), so a candidate that ends the process costs only
those after it.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import torch

from cwm_agent.bench.gpu.measure.bench import Bench
from cwm_agent.bench.gpu.measure.timing import seconds_of
from cwm_agent.bench.gpu.proof.compare import near
from cwm_agent.bench.gpu.tune.candidates import Row, candidates
from cwm_agent.bench.gpu.tune.problems import problems
from model.ops.triton.tuning import figures_of, read_sections, rows_for, section_of

_SETS = 3  # of buffers, in turn, so that the device's cache does not answer for its memory
_ROUNDS = 7


def compile_all(bench: Bench) -> None:
    """Launch this process's share of the candidates once; what cannot be compiled is left out."""
    kernel = bench.task.arguments["kernel"]
    share, of = bench.task.arguments["share"]
    some = problems(bench, kernel)
    for row in itertools.islice(_candidates(bench, kernel), share, None, of):
        bench.report.at(kernel, str(row))
        with _may_not_fit():
            for problem in some:
                problem.launch(figures_of(kernel, row))


def search(bench: Bench) -> None:
    """Compare each candidate's results with the current figures' ones, and time it."""
    kernel = bench.task.arguments["kernel"]
    on_gpu = bench.device.type == "cuda"
    sets = [problems(bench, kernel) for _ in range(_SETS if on_gpu else 1)]
    rounds = _ROUNDS if on_gpu else 1
    rows = _candidates(bench, kernel)
    expected = [problem.result(figures_of(kernel, rows[0])).clone() for problem in sets[0]]
    for row in rows:
        bench.report.at(kernel, str(row))
        figures, seconds = figures_of(kernel, row), dict[str, float]()
        with _may_not_fit():
            for problem, exact in zip(sets[0], expected, strict=True):
                if not (check := near(problem.name, problem.result(figures), exact)).right:
                    raise ValueError(f"other results than before: {check}")
            for twins in zip(*sets, strict=True):
                calls = [partial(twin.launch, figures) for twin in twins]
                seconds[twins[0].name] = seconds_of(
                    bench.device, calls, rounds=rounds, capture=True
                )
        if len(seconds) < len(expected) and row is rows[0]:
            raise ValueError(f"the current figures cannot be timed: {row}")
        if len(seconds) == len(expected):
            bench.report.tell(
                "tried", kernel=kernel, section=_section(bench), row=row, seconds=seconds
            )


@contextmanager
def _may_not_fit() -> Iterator[None]:
    """Leave out figures that suit no program of this GPU, or that give other results."""
    from triton.compiler.errors import CompilationError
    from triton.runtime.errors import OutOfResources, PTXASError

    try:
        yield
    except (CompilationError, OutOfResources, PTXASError, ValueError) as error:
        print(f"left out: {error}")


def _candidates(bench: Bench, kernel: str) -> list[Row]:
    current = rows_for(read_sections(), _gpu(bench))[kernel]
    return candidates(kernel, current, bench.sizes.candidates)


def _section(bench: Bench) -> str:
    """The section that the rows belong to: one that fits already, or that of this GPU's name."""
    gpu = _gpu(bench)
    return section_of(read_sections(), gpu) or gpu


def _gpu(bench: Bench) -> str:
    return torch.cuda.get_device_name(bench.device) if bench.device.type == "cuda" else "no GPU"
