"""What a function template is, and how one function is drawn from it.

A template is Python text with placeholders in capitals. A draw replaces each
placeholder by a name or constant from its pool, the same one everywhere, in
the docstring too.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from dataclasses import dataclass

Arguments = tuple[object, ...]
MakeArguments = Callable[[random.Random], Arguments]

_PLACEHOLDER = re.compile(r"\b([A-Z]+)(\d?)\b")


@dataclass(frozen=True, slots=True)
class Template:
    """One function, to be drawn in many variations.

    `name` is unique and stable, for instance "reduce/sum/above/loop": held-out
    templates are known by it. `functions` are fitting names of the function.
    `parameters` is what stands between the parentheses of `def`. `docstring`
    is one sentence that says exactly what the function does, edge cases
    included. `body` is indented from column 0. `arguments` makes the arguments
    of one call: literals only (int, str, bool, None, list, tuple, dict).
    """

    name: str
    functions: tuple[str, ...]
    parameters: str
    docstring: str
    body: str
    arguments: MakeArguments


@dataclass(frozen=True, slots=True)
class Function:
    """One draw of a template; `source` is the whole definition without a final newline."""

    template: str
    name: str
    source: str
    arguments: MakeArguments


def draw(template: Template, rng: random.Random, pools: dict[str, tuple[str, ...]]) -> Function:
    """Fill in the placeholders of a template; raises KeyError for one without a pool."""
    chosen: dict[str, str] = {}
    name = _function_name(template, rng, pools)

    def fill(match: re.Match[str]) -> str:
        key = match.group(0)
        if match.group(1) not in pools:
            return key
        if key not in chosen:
            taken = {*chosen.values(), name}
            free = [word for word in pools[match.group(1)] if word not in taken]
            chosen[key] = rng.choice(free)
        return chosen[key]

    body = "\n".join(
        f"    {line}" if line else "" for line in template.body.strip("\n").split("\n")
    )
    text = f'def {name}({template.parameters}):\n    """{template.docstring}"""\n{body}'
    source = _PLACEHOLDER.sub(fill, text)
    return Function(template.name, name, source, template.arguments)


def _function_name(
    template: Template, rng: random.Random, pools: dict[str, tuple[str, ...]]
) -> str:
    """A fitting name, one with a random noun added, or one that says nothing."""
    kind = rng.random()
    if kind < 0.4:
        return rng.choice(template.functions)
    if kind < 0.7:
        return f"{rng.choice(template.functions)}_{rng.choice(pools['NOUN'])}"
    return f"{rng.choice(pools['VERB'])}_{rng.choice(pools['NOUN'])}"
