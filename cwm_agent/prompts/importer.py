"""Read the original texts out of a checkout of facebookresearch/cwm.

The model was trained on the original wording, which is not part of this
project. A user's own checkout has it as string constants. They are read with
`ast`; nothing of the checkout is run. Texts are found by where they stand and
which variables they use, never by their words.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from string import Formatter

from cwm_agent.prompts.cwm_sources import PLACES, SYSTEM, SourceText
from cwm_agent.prompts.packs import problems
from tools.texts import TextError, Texts

NAME = "original"


@dataclass(frozen=True, slots=True)
class Imported:
    """The pack, the keys taken from the checkout, and those that kept the default's text."""

    texts: Texts
    found: tuple[str, ...]
    missing: tuple[str, ...]


def import_original(checkout: Path, default: Texts) -> Imported:
    """The pack `original`; what the checkout lacks keeps the text of `default`.

    Raises TextError when `checkout` holds none of the expected files.
    """
    files = {place.file for place in PLACES} | {SYSTEM.file}
    modules = {file: module for file in files if (module := _parse(checkout / file)) is not None}
    if not modules:
        raise TextError(
            f"{checkout} is not a checkout of facebookresearch/cwm (it has no {SYSTEM.file}); "
            "clone that repository and name its folder"
        )
    found = dict(_system_texts(modules.get(SYSTEM.file)))
    for place in PLACES:
        text = _find(place, modules.get(place.file))
        if text is not None:
            found[place.key] = text
    wrong = {message.split("'")[1] for message in problems({**default.templates, **found})}
    usable = {key: text for key, text in found.items() if key not in wrong}
    templates = {key: usable.get(key, text) for key, text in default.templates.items()}
    missing = tuple(key for key in templates if key not in usable)
    return Imported(
        Texts(NAME, templates), tuple(key for key in templates if key in usable), missing
    )


def _parse(path: Path) -> ast.Module | None:
    try:
        return ast.parse(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, SyntaxError, ValueError):
        return None


def _find(place: SourceText, module: ast.Module | None) -> str | None:
    if module is None:
        return None
    if place.constant is not None:
        text = _constant(module, place.constant)
        if text is None:
            return None
        return _rename(text, place.names) if place.is_template else _escape(text)
    if place.default_of is not None:
        return _default(module, place.function, place.default_of)
    fitting = [
        prefix + text
        for prefix, text, expressions in _sentences(module, place)
        if expressions == set(place.names)
    ]
    return fitting[place.nth].strip() if place.nth < len(fitting) else None


def _system_texts(module: ast.Module | None) -> Iterator[tuple[str, str]]:
    """The environment's description cut into its start, one text a tool, and the rules."""
    text = _constant(module, SYSTEM.constant or "") if module else None
    if text is None:
        return
    about, *tools = re.split(r"\n\n(?=<tool: \w+>\n)", text)
    if not tools:
        return
    tools[-1], _, rules = tools[-1].partition("\n\n")
    yield "environment.about", about
    yield "environment.rules", rules
    for specification in tools:
        name = specification.removeprefix("<tool: ").partition(">")[0]
        yield f"environment.tool.{name}", specification


def _constant(module: ast.Module, name: str) -> str | None:
    """The text of a module-level `NAME = "..."`, perhaps with `.strip()`; stripped."""
    for node in module.body:
        if isinstance(node, ast.Assign) and any(
            isinstance(target, ast.Name) and target.id == name for target in node.targets
        ):
            value = node.value
            if isinstance(value, ast.Call) and isinstance(value.func, ast.Attribute):
                value = value.func.value
            if isinstance(value, ast.Constant) and isinstance(value.value, str):
                return value.value.strip()
    return None


def _function(module: ast.Module, name: str) -> ast.FunctionDef | None:
    functions = (node for node in ast.walk(module) if isinstance(node, ast.FunctionDef))
    return next((node for node in functions if node.name == name), None)


def _default(module: ast.Module, function: str, argument: str) -> str | None:
    node = _function(module, function)
    if node is None:
        return None
    arguments = node.args.posonlyargs + node.args.args
    defaults = node.args.defaults
    pairs = zip(arguments[len(arguments) - len(defaults) :], defaults, strict=True)
    for name, value in pairs:
        if name.arg == argument and isinstance(value, ast.Constant):
            return _escape(str(value.value))
    return None


def _sentences(module: ast.Module, place: SourceText) -> Iterator[tuple[str, str, set[str]]]:
    """Every string that the function assigns, returns or raises, in order.

    Yields the prefix that the model sees before it (the class of what is
    raised), the text as a template, and the expressions in it.
    """
    function = _function(module, place.function)
    if function is None:
        return
    nodes = [node for node in ast.walk(function) if isinstance(node, ast.stmt)]
    for node in sorted(nodes, key=lambda node: (node.lineno, node.col_offset)):
        prefix = ""
        values: list[ast.expr] = []
        if isinstance(node, ast.Assign | ast.AugAssign):
            values = [node.value]
        elif isinstance(node, ast.Return) and node.value is not None:
            values = node.value.elts if isinstance(node.value, ast.Tuple) else [node.value]
        elif isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
            values = node.exc.args
            prefix = f"{ast.unparse(node.exc.func).rpartition('.')[2]}: "
        for value in values:
            if (template := _template(value, place.names)) is not None:
                yield prefix, *template


def _template(value: ast.expr, names: dict[str, str]) -> tuple[str, set[str]] | None:
    """A string or f-string as a template over our variables; None for anything else."""
    if isinstance(value, ast.Constant) and isinstance(value.value, str):
        return (_escape(value.value), set()) if " " in value.value else None
    if not isinstance(value, ast.JoinedStr):
        return None
    text, expressions = "", set()
    for part in value.values:
        if isinstance(part, ast.FormattedValue):
            expression = ast.unparse(part.value)
            expressions.add(expression)
            text += f"{{{names.get(expression, '')}}}"
        elif isinstance(part, ast.Constant):
            text += _escape(str(part.value))
    return text, expressions


def _rename(template: str, names: dict[str, str]) -> str | None:
    """A `str.format` template over our variables; None when it is none."""
    try:
        parts = list(Formatter().parse(template))
    except ValueError:
        return None
    return "".join(
        _escape(text) + ("" if field is None else f"{{{names.get(field, field)}}}")
        for text, field, _, _ in parts
    )


def _escape(text: str) -> str:
    return text.replace("{", "{{").replace("}", "}}")
