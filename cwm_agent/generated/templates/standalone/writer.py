"""How the stand-alone templates are written down: one block of text each."""

from __future__ import annotations

import textwrap
from collections.abc import Callable

from cwm_agent.generated.templates.template import MakeArguments, Template

Write = Callable[[MakeArguments, str], Template]


def writer(subject: str) -> Write:
    """A function that makes a template of this subject from its arguments and its block.

    The first line of a block has the function names and the parameters in
    parentheses. The docstring follows, up to the first line that ends with a
    full stop; the rest is the body. The first function name names the template.
    """

    def write(arguments: MakeArguments, block: str) -> Template:
        lines = textwrap.dedent(block).strip("\n ").split("\n")
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

    return write
