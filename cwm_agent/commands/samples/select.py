"""The command `select`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from cwm_agent.config.resolve import load_settings
from cwm_agent.errors import UsageError
from cwm_agent.exit_codes import ExitCode
from cwm_agent.scaling.chosen import Chosen, choose_all, reasons
from cwm_agent.scaling.selection.choice import Choice, Recipe, Selector
from cwm_agent.scaling.selection.registry import recipe_named
from cwm_agent.scaling.storage import load_tables
from cwm_agent.scaling.table import Table
from results.codec import encode
from results.errors import RunNotFoundError
from results.store import Run, Store


@dataclass(frozen=True, slots=True)
class SelectRequest:
    """The options of `cwm-agent select`."""

    place: str
    recipe: str
    abstain: float = 0.0
    instances: tuple[str, ...] = ()
    runs: str | None = None


def place_of(name: str, runs: str | None) -> Path:
    """The folder of a run by its name, or a file or folder of tables by its path."""
    settings = load_settings(flags={"runs": runs})
    try:
        return Store(settings.runs_folder()).open(name).folder
    except RunNotFoundError:
        if Path(name).exists():
            return Path(name)
        raise


def show_choices(request: SelectRequest, *, as_json: bool) -> int:
    """Choose, keep the choices of a run, print them; returns the exit code."""
    place = place_of(request.place, request.runs)
    recipe = _abstaining(recipe_named(request.recipe), request.abstain)
    tables = list(load_tables(place))
    if unknown := set(request.instances) - {table.instance for table in tables}:
        raise UsageError(f"{place} has no evidence about {', '.join(sorted(unknown))}")
    chosen = _choose(place, recipe, tables)
    shown = [c for c in chosen if not request.instances or c.instance in request.instances]
    for one in shown:
        lines = [json.dumps(encode(one))] if as_json else reasons(one)
        print("\n".join(lines))
    return ExitCode.UNRESOLVED if any(c.sample is None for c in shown) else ExitCode.SUCCESS


def _choose(place: Path, recipe: Recipe, tables: Sequence[Table]) -> list[Chosen]:
    """The reliabilities are always those of the whole place, whatever is shown of it."""
    return choose_all(Run(place), recipe, tables, keep=(place / "run.json").is_file())


def _abstaining(recipe: Recipe, least: float) -> Recipe:
    """The recipe, without the choices that it holds less likely; it must say so."""

    def make(tables: Sequence[Table]) -> Selector:
        select = recipe.make(tables)

        def hesitate(table: Table) -> Choice:
            choice = select(table)
            if least and choice.probability is None:
                raise UsageError(f"recipe '{recipe.name}' says no probability; leave --abstain out")
            unsure = choice.probability is not None and choice.probability < least
            return replace(choice, chosen=None) if unsure else choice

        return hesitate

    return replace(recipe, make=make)
