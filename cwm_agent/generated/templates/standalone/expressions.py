"""The expressions by which a template says how its arguments are made.

They are Python calls of the makers in `makers.py` and `pools.py` with literals
or other makers as arguments, such as `args(list_of(number(0, 9)), small_int)`.
They are read, not run: nothing but these calls can occur in a data file.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Any

from cwm_agent.generated.templates import pools
from cwm_agent.generated.templates.standalone import makers

_KNOWN: Mapping[str, Any] = {
    name: maker
    for module in (makers, pools)
    for name, maker in vars(module).items()
    if callable(maker) and getattr(maker, "__module__", "") == module.__name__
}


def evaluate(expression: str, names: Mapping[str, Any]) -> Any:
    """The maker that an expression describes; `names` are those of its file.

    Raises ValueError for a name that is unknown and for anything that is neither a
    call, a name nor a literal.
    """
    return _value(ast.parse(expression, mode="eval").body, names)


def _value(node: ast.expr, names: Mapping[str, Any]) -> Any:
    if isinstance(node, ast.Name):
        known = {**_KNOWN, **names}
        if node.id not in known:
            raise ValueError(f"no maker is called {node.id}")
        return known[node.id]
    if isinstance(node, ast.Call):
        positional = [_value(argument, names) for argument in node.args]
        by_name = {word.arg: _value(word.value, names) for word in node.keywords if word.arg}
        return _value(node.func, names)(*positional, **by_name)
    return ast.literal_eval(node)
