"""Which functions a change touches, and calls of them that are worth comparing.

Arguments come from calls with literal arguments in the issue, in the
repository's tests and in what the samples ran, and from changes of those:
a number one more, a list one shorter. All follow from the name of the function,
so every process draws the same calls.
"""

from __future__ import annotations

import ast
import random
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from envs.repository.patches import patch_paths, split_patch

MOST_FUNCTIONS = 12
_HUNK = re.compile(r"^@@ -(\d+)(?:,(\d+))? ", re.MULTILINE)
_POOL: tuple[object, ...] = (0, 1, -1, 2, 7, "", "a", "Ab c", [], [1], [3, 1, 2], {}, None, True)
"""Where nobody has called the function with written-out arguments."""


@dataclass(frozen=True, slots=True)
class Function:
    """What a change touches and can be called; `wanted` and `most` count its arguments.

    `name` is that of a function of the module, of a class (whose making was touched),
    or Class.method, which is called on an instance that was made without arguments.
    """

    module: str
    name: str
    wanted: int
    most: int

    @property
    def called(self) -> str:
        """The name that stands before the parentheses in other people's calls."""
        return self.name.rpartition(".")[2]


def touched_files(patches: Iterable[str]) -> list[str]:
    """The Python files that any of some patches changes."""
    paths = {path for patch in patches for part in split_patch(patch) for path in patch_paths(part)}
    return sorted(path for path in paths if path.endswith(".py"))


def touched_functions(patches: Iterable[str], files: Mapping[str, str]) -> list[Function]:
    """The functions of modules that the hunks lie in; `files` are as they were before."""
    found: dict[Function, None] = {}
    for patch in patches:
        for section in split_patch(patch):
            path = patch_paths(section)[0]
            for function, first, last in _spans(path, files.get(path, "")):
                if any(low <= last and high >= first for low, high in _changed(section)):
                    found[function] = None
    return sorted(found, key=lambda f: (f.module, f.name))[:MOST_FUNCTIONS]


def public_functions(files: Mapping[str, str]) -> dict[str, str]:
    """The module of each function that only one of the files defines, by its name."""
    seen: dict[str, set[str]] = {}
    for path, text in files.items():
        for function, _, _ in _spans(path, text):
            if "." in function.name:
                continue
            seen.setdefault(function.name, set()).add(function.module)
    return {name: module for name, (module, *more) in seen.items() if not more}


def literal_calls(texts: Iterable[str], name: str) -> list[tuple[object, ...]]:
    """The literal arguments of each call of a function in some Python texts."""
    found: dict[str, tuple[object, ...]] = {}
    for text in texts:
        try:
            tree = ast.parse(text)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and _called(node) == name and not node.keywords:
                try:
                    values = tuple(ast.literal_eval(argument) for argument in node.args)
                except (ValueError, TypeError, MemoryError, RecursionError):
                    continue
                found[repr(values)] = values
    return list(found.values())


def draw_calls(function: Function, seeds: Sequence[tuple[object, ...]], count: int) -> list[str]:
    """Up to `count` different argument lists as they stand between the parentheses."""
    rng = random.Random(f"{function.module}.{function.name}")
    if not seeds and function.most:
        arity = max(1, function.wanted)
        seeds = [tuple(rng.choices(_POOL, k=arity)) for _ in range(count)]
    elif not seeds:
        return [""]
    found = dict.fromkeys(_written(values) for values in seeds[: count // 2])
    for _ in range(8 * count if seeds else 0):
        if len(found) >= count:
            break
        values = list(rng.choice(seeds))
        for _ in range(rng.choice((1, 1, 2))):
            if values:
                place = rng.randrange(len(values))
                values[place] = _changed_value(values[place], rng)
        found[_written(tuple(values))] = None
    return list(found)


def _written(values: tuple[object, ...]) -> str:
    return ", ".join(map(repr, values))


def _changed_value(value: object, rng: random.Random) -> object:
    """A neighbour of a value, of the same type."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return rng.choice((value + 1, value - 1, -value, 0, 1, 2 * value, rng.randint(-3, 12)))
    if isinstance(value, float):
        return rng.choice((value + 0.5, -value, 0.0, float(round(value)), value * 10))
    if isinstance(value, str):
        return _changed_text(value, rng)
    if isinstance(value, list | tuple):
        return type(value)(_changed_items(list(value), rng))
    if isinstance(value, dict):
        pairs = _changed_items(list(value.items()), rng)
        return dict(pair for pair in pairs if isinstance(pair, tuple) and len(pair) == 2)
    return rng.choice((value, None))


def _changed_text(text: str, rng: random.Random) -> str:
    at = rng.randrange(len(text) + 1)
    kept = (text[:at] + text[at + 1 :], text[:at] + rng.choice("aZ 0_.-") + text[at:])
    return rng.choice((*kept, text.upper(), text.lower(), text + text, text[::-1], f" {text}", ""))


def _changed_items(items: list[object], rng: random.Random) -> list[object]:
    kind = rng.randrange(6)
    if not items or kind == 0:
        return [*items, rng.choice(items)] if items else [rng.choice((0, 1, "a"))]
    at = rng.randrange(len(items))
    if kind == 1:
        return items[:at] + items[at + 1 :]
    if kind == 2:
        return items[::-1]
    if kind == 3 and all(type(item) is type(items[0]) for item in items):
        return rng.sample(items, len(items))
    item = items[at]
    if isinstance(item, tuple) and len(item) == 2:  # of a dictionary
        return [*items[:at], (item[0], _changed_value(item[1], rng)), *items[at + 1 :]]
    return [*items[:at], _changed_value(item, rng), *items[at + 1 :]]


def _changed(section: str) -> Iterator[tuple[int, int]]:
    """The lines of the old file that the hunks of a file change, context left out."""
    for hunk in re.split(r"^(?=@@ )", section, flags=re.MULTILINE)[1:]:
        match = _HUNK.match(hunk)
        if match is None:
            continue
        line = int(match[1])
        for text in hunk.split("\n")[1:]:
            if text.startswith("-"):
                yield line, line
            elif text.startswith("+"):
                yield line - 1, line
            if text.startswith((" ", "-")):
                line += 1


def _spans(path: str, text: str) -> Iterator[tuple[Function, int, int]]:
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return
    module = module_of(path)
    for node in tree.body if module else ():
        if isinstance(node, ast.FunctionDef):
            yield _function(module, node.name, node, 0), *_lines(node)
        elif isinstance(node, ast.ClassDef):
            yield from _methods(module, node)


def _methods(module: str, owner: ast.ClassDef) -> Iterator[tuple[Function, int, int]]:
    """The making of a class, and its public methods if it can be made without arguments."""
    methods = {node.name: node for node in owner.body if isinstance(node, ast.FunctionDef)}
    made = [methods[name] for name in ("__init__", "__new__") if name in methods]
    for node in made:
        yield _function(module, owner.name, node, 1), *_lines(node)
    if any(_function(module, owner.name, node, 1).wanted for node in made):
        return
    for node in methods.values():
        marks = {mark.id for mark in node.decorator_list if isinstance(mark, ast.Name)}
        if not node.name.startswith("_") and marks <= {"staticmethod", "classmethod"}:
            bound = int("staticmethod" not in marks)
            yield _function(module, f"{owner.name}.{node.name}", node, bound), *_lines(node)


def _function(module: str, name: str, node: ast.FunctionDef, bound: int) -> Function:
    """`bound` arguments are given by the object itself."""
    spec = node.args
    positional = len(spec.posonlyargs) + len(spec.args)
    wanted = max(0, positional - len(spec.defaults) - bound)
    return Function(module, name, wanted, max(0, positional - bound) + bool(spec.vararg))


def _lines(node: ast.FunctionDef) -> tuple[int, int]:
    return node.lineno, node.end_lineno or node.lineno


def module_of(path: str) -> str:
    """The dotted name by which a file is imported; "" for what cannot be."""
    parts = PurePosixPath(path).with_suffix("").parts
    if parts and parts[0] == "src" and len(parts) > 1:
        parts = parts[1:]
    parts = parts[:-1] if parts and parts[-1] == "__init__" else parts
    return ".".join(parts) if all(map(str.isidentifier, parts)) else ""


def _called(node: ast.Call) -> str:
    if isinstance(node.func, ast.Attribute):
        return node.func.attr
    return node.func.id if isinstance(node.func, ast.Name) else ""
