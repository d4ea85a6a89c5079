"""Reads the stand-alone templates from the YAML files in `data/`, one file a subject.

A file has `makers`, names for expressions that occur more than once, and
`templates`, each with the expression that makes its arguments and its text.
The first line of a text has the function names and the parameters in
parentheses; the docstring follows, up to the first line that ends with a full
stop; the rest is the body. The first function name names the template.
"""

from __future__ import annotations

import functools
from importlib import resources
from typing import Any

import yaml

from cwm_agent.generated.templates.standalone.expressions import evaluate
from cwm_agent.generated.templates.template import MakeArguments, Template

# The order decides which template a seed draws.
_SUBJECTS = (
    *("lists", "texts", "numbers", "mappings", "pairs", "grids", "times", "money"),
    *("paging", "parsing", "sorting", "searching", "validation", "sets", "sequences"),
    *("games", "geometry", "bits", "versions", "schedules", "stacks", "records"),
)


@functools.cache
def standalone() -> tuple[Template, ...]:
    """All stand-alone templates, always in the same order."""
    return tuple(template for subject in _SUBJECTS for template in _read(subject))


def _read(subject: str) -> list[Template]:
    file = resources.files(__package__).joinpath("data", f"{subject}.yaml")
    content: dict[str, Any] = yaml.load(file.read_text(encoding="utf-8"), _LOADER)
    makers: dict[str, Any] = {}
    for name, expression in content.get("makers", {}).items():
        makers[name] = evaluate(expression, makers)
    return [
        _template(subject, evaluate(entry["arguments"], makers), entry["text"])
        for entry in content["templates"]
    ]


_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def _template(subject: str, arguments: MakeArguments, text: str) -> Template:
    lines = text.strip("\n ").split("\n")
    names, _, parameters = lines[0].strip().removesuffix(")").partition("(")
    last = next(i for i, line in enumerate(lines) if i > 0 and line.endswith("."))
    functions = tuple(names.split())
    return Template(
        name=f"{subject}/{functions[0]}",
        functions=functions,
        parameters=parameters,
        docstring=" ".join(lines[1 : last + 1]),
        body="\n".join(lines[last + 1 :]),
        arguments=arguments,
    )
