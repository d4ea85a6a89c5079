"""Templates composed by code from phrases and the code that they stand for."""

from __future__ import annotations

import functools

from cwm_agent.generated.templates.composed import dicts, formulas, logic, mixtures, shapes
from cwm_agent.generated.templates.template import Template

_MODULES = (mixtures, shapes, dicts, logic, formulas)


@functools.cache
def composed() -> tuple[Template, ...]:
    """All composed templates, in a fixed order; putting them together takes a second."""
    found = [family for module in _MODULES for family in module.families()]
    return tuple(template for family in found for template in family)
