"""The command `study`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cwm_agent.commands.samples.select import place_of
from cwm_agent.errors import UsageError
from cwm_agent.scaling.labels import Case, count_anew
from cwm_agent.scaling.selection.registry import RECIPES
from cwm_agent.scaling.study.adaptive import adaptive_lines
from cwm_agent.scaling.study.cases import load_cases
from cwm_agent.scaling.study.curves import curves, oracle_curve
from cwm_agent.scaling.study.lines import curve_lines, study_lines
from cwm_agent.scaling.study.outcomes import published_lines, read_published
from cwm_agent.scaling.study.picture import check_picture, write_picture
from cwm_agent.scaling.study.sensitivity import sensitivity_lines, world_of
from cwm_agent.scaling.study.study import study
from cwm_agent.scaling.study.why import why_lines


@dataclass(frozen=True, slots=True)
class StudyRequest:
    """The options of `cwm-agent study`."""

    run: str | None = None
    runs: str | None = None
    why: str | None = None
    picture: Path | None = None
    outcomes: Path | None = None
    selected: Path | None = None
    column: str = ""
    simulate: bool = False
    world: tuple[str, ...] = ()
    issues: int = 300
    samples: int = 16
    seed: int = 0
    what_matters: bool = False


def show_study(request: StudyRequest, *, as_json: bool) -> None:
    """Print what was asked for; raises UsageError where it is not clear what that is."""
    asked = (request.run is not None, request.outcomes is not None, request.simulate)
    if sum(asked) != 1:
        raise UsageError("study either a run, or --outcomes with --selected, or --simulate")
    if (request.outcomes is None) != (request.selected is None):
        raise UsageError("--outcomes and --selected belong together")
    if request.picture is not None:
        check_picture(request.picture)
    if request.outcomes is not None and request.selected is not None:
        published = read_published(request.outcomes, request.selected, request.column)
        _print(published.to_json() if as_json else published_lines(published))
    elif request.what_matters:
        world = world_of(request.world)
        for line in sensitivity_lines(world, request.issues, request.samples, request.seed):
            print(line, flush=True)
    else:
        _show(request, _cases(request), as_json=as_json)


def _cases(request: StudyRequest) -> list[Case]:
    if request.run is not None:
        return load_cases(place_of(request.run, request.runs))
    from cwm_agent.scaling.simulator import simulate

    world = world_of(request.world)
    return simulate(world, issues=request.issues, samples=request.samples, seed=request.seed)


def _show(request: StudyRequest, cases: Sequence[Case], *, as_json: bool) -> None:
    if request.why is not None:
        _print(why_lines(cases, request.why))
        return
    found = study(cases)
    _print(found.to_json() if as_json else study_lines(found))
    if as_json and request.picture is None:
        return
    by_k = curves(cases, RECIPES)
    counts = [count_anew(*case) for case in cases]
    oracle = oracle_curve(counts)
    if not as_json:
        _print(["", *curve_lines(by_k, oracle), "", *adaptive_lines(cases)])
    if request.picture is not None:
        write_picture(request.picture, found, by_k, oracle)


def _print(shown: object) -> None:
    if isinstance(shown, dict):
        print(json.dumps(shown, indent=2))
    elif isinstance(shown, list):
        print("\n".join(shown))
