"""Every recipe, once; a new one is a file and a line here (docs/extending.md)."""

from __future__ import annotations

from cwm_agent.errors import UsageError
from cwm_agent.scaling.selection.choice import Recipe
from cwm_agent.scaling.selection.recipes.agentless import AGENTLESS
from cwm_agent.scaling.selection.recipes.baselines import (
    FIRST,
    MOST_TESTS,
    OWN_TESTS,
    RANDOM,
    SHORTEST,
)
from cwm_agent.scaling.selection.recipes.critic import CRITIC
from cwm_agent.scaling.selection.recipes.cwm import CWM
from cwm_agent.scaling.selection.recipes.hybrid import HYBRID
from cwm_agent.scaling.selection.recipes.kozuchi import KOZUCHI
from cwm_agent.scaling.selection.recipes.majority import AST, BEHAVIOUR, BYTES
from cwm_agent.scaling.selection.recipes.posterior import POSTERIOR
from cwm_agent.scaling.selection.recipes.s_star import S_STAR
from cwm_agent.scaling.selection.recipes.trae import TRAE

RECIPES: tuple[Recipe, ...] = (
    FIRST,
    RANDOM,
    SHORTEST,
    MOST_TESTS,
    OWN_TESTS,
    BYTES,
    AST,
    BEHAVIOUR,
    CWM,
    AGENTLESS,
    HYBRID,
    KOZUCHI,
    CRITIC,
    TRAE,
    S_STAR,
    POSTERIOR,
)
"""In the order in which a study shows them: baselines, votes, published recipes, ours."""
NAMES = ", ".join(recipe.name for recipe in RECIPES)


def recipe_named(name: str) -> Recipe:
    """The recipe of that name; raises UsageError with the names that there are."""
    for recipe in RECIPES:
        if recipe.name == name:
            return recipe
    raise UsageError(f"there is no recipe '{name}'; choose among {NAMES}")
