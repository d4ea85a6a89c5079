"""Which assumptions of the simulator matter: each is varied alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import fields, replace

from cwm_agent.errors import UsageError
from cwm_agent.scaling.selection.recipes.cwm import CWM
from cwm_agent.scaling.selection.recipes.hybrid import HYBRID
from cwm_agent.scaling.selection.recipes.kozuchi import KOZUCHI
from cwm_agent.scaling.selection.recipes.majority import AST
from cwm_agent.scaling.selection.recipes.posterior import POSTERIOR
from cwm_agent.scaling.simulator import World, simulate
from cwm_agent.scaling.study.study import study

SHOWN = (AST, CWM, HYBRID, KOZUCHI, POSTERIOR)
VARIED: dict[str, tuple[float, ...]] = {
    "solve": (0.3, 0.7),
    "spread": (0.3, 2.0),
    "right_kinds": (0.3, 3.0),
    "wrong_kinds": (2.0, 20.0),
    "existing": (0, 30),
    "generated": (0, 40),
    "harvested": (0, 3),
    "inputs": (0, 6),
    "quality": (0.3, 0.8),
    "false_pass": (0.1, 0.7),
    "breaks": (0.0, 0.4),
    "correlation": (0.0, 0.8),
    "judge": (0.0, 0.5),
    "missing": (0.0, 0.3),
}


def world_of(assignments: Sequence[str]) -> World:
    """The assumptions with some replaced; raises UsageError for an unknown or unfit one."""
    world = World()
    kinds = {field.name: type(getattr(world, field.name)) for field in fields(World)}
    for assignment in assignments:
        name, _, value = assignment.partition("=")
        try:
            world = replace(world, **{name: kinds[name](value)})
        except (KeyError, ValueError) as error:
            raise UsageError(
                f"'{assignment}' is no assumption; use KEY=NUMBER with one of {', '.join(kinds)}"
            ) from error
    return world


def sensitivity_lines(world: World, issues: int, samples: int, seed: int) -> Iterator[str]:
    """Gap closed by some recipes, under each assumption's low and high value."""
    yield f"{'':<24} {'pass@k':>8} " + " ".join(f"{recipe.name:>12}" for recipe in SHOWN)
    yield _line("as given", world, issues, samples, seed)
    for name, values in VARIED.items():
        for value in values:
            changed = replace(world, **{name: value})  # type: ignore[arg-type]
            yield _line(f"{name} = {value:g}", changed, issues, samples, seed)


def _line(title: str, world: World, issues: int, samples: int, seed: int) -> str:
    found = study(simulate(world, issues=issues, samples=samples, seed=seed), SHOWN)
    shares = (found.recipes[recipe.name].gap.closed for recipe in SHOWN)
    cells = ("-" if share is None else f"{share:.0%}" for share in shares)
    return f"{title:<24} {found.pass_k:>8.1%} " + " ".join(f"{cell:>12}" for cell in cells)
