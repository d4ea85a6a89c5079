"""All templates, with unique names."""

from __future__ import annotations

from collections import Counter

from cwm_agent.generated.templates.composed import composed
from cwm_agent.generated.templates.standalone.read import standalone
from cwm_agent.generated.templates.template import Template


def all_templates() -> list[Template]:
    """Composed and stand-alone templates; raises ValueError if two have the same name."""
    templates = [*composed(), *standalone()]
    twice = [name for name, times in Counter(t.name for t in templates).items() if times > 1]
    if twice:
        raise ValueError(f"template names used twice: {', '.join(sorted(twice))}")
    return templates
