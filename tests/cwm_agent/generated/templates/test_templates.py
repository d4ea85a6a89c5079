"""Every template gives runnable, varied and deterministic functions."""

from __future__ import annotations

import random
import re
from collections.abc import Callable

import pytest

from cwm_agent.generated.templates.catalogue import all_templates
from cwm_agent.generated.templates.pools import POOLS
from cwm_agent.generated.templates.template import Function, Template, draw

SEEDS = 2
CALLS = 40


def drawn(template: Template, seed: int) -> Function:
    return draw(template, random.Random(f"{template.name}{seed}"), POOLS)


def calls(function: Function) -> tuple[list[str], int]:
    """The results of the calls, and how many raised."""
    namespace: dict[str, Callable[..., object]] = {}
    exec(compile(function.source, function.template, "exec"), namespace)
    results, raised = [], 0
    rng = random.Random(function.template)
    for _ in range(CALLS):
        arguments = function.arguments(rng)
        try:
            results.append(repr(namespace[function.name](*arguments)))
        except Exception as problem:  # noqa: BLE001
            results.append(type(problem).__name__)
            raised += 1
    return results, raised


def test_there_are_many_with_unique_names() -> None:
    names = [template.name for template in all_templates()]
    assert len(set(names)) == len(names) > 1000
    assert all(re.fullmatch(r"[a-z0-9_]+(/[a-z0-9_]+)+", name) for name in names)


@pytest.mark.parametrize("part", range(20))
def test_functions_run_vary_and_repeat(part: int) -> None:
    faults = []
    for template in all_templates()[part::20]:
        for seed in range(SEEDS):
            function = drawn(template, seed)
            results, raised = calls(function)
            if raised > CALLS - 35 or len(set(results)) < 2:
                faults.append((template.name, raised, function.source))
            if function.source != drawn(template, seed).source:
                faults.append((template.name, raised, "draws differ"))
        if calls(function) != (results, raised):
            faults.append((template.name, raised, "results differ"))
    assert not faults


def test_sources_have_no_placeholder_and_no_forbidden_character() -> None:
    faults = []
    for template in all_templates():
        source = drawn(template, 0).source
        if re.search(r"\b[A-Z]{2,}\d?\b", source) or re.search(r'["$`\\]', template.body):
            faults.append(source)
        if '"' in template.docstring or not 3 <= len(template.docstring.split()) <= 30:
            faults.append(template.docstring)
    assert not faults
