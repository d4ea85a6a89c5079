"""Bugs: small changes to one line of a function.

Every candidate replaces one line by another, so a bug and its repair are
one-line edits. Candidates come from the tokens of the line; whether one
changes behaviour is decided by running it (see `evidence`).
"""

from __future__ import annotations

import io
import keyword
import random
import re
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass

_COMPARISONS = {
    "<": ("<=", ">"),
    "<=": ("<", ">="),
    ">": (">=", "<"),
    ">=": (">", "<="),
    "==": ("!=",),
    "!=": ("==",),
}
_OPERATORS = {
    "+": ("-",),
    "-": ("+",),
    "*": ("+",),
    "//": ("%", "*"),
    "%": ("//",),
    "+=": ("-=",),
    "-=": ("+=",),
    "*=": ("+=",),
    "&": ("|",),
    "|": ("&",),
}
_LOGIC = {"and": "or", "or": "and"}
_VALUES = {"True": "False", "False": "True"}
_CALLS = {
    "min": ("max",),
    "max": ("min",),
    "any": ("all",),
    "all": ("any",),
    "sum": ("len", "max"),
    "len": ("sum",),
    "sorted": ("list",),
    "abs": ("int",),
    "upper": ("lower",),
    "lower": ("upper",),
    "title": ("lower",),
    "capitalize": ("upper",),
    "startswith": ("endswith",),
    "endswith": ("startswith",),
    "lstrip": ("rstrip",),
    "rstrip": ("lstrip",),
    "strip": ("lstrip", "rstrip"),
    "isdigit": ("isalpha",),
    "isalpha": ("isdigit",),
    "isupper": ("islower",),
    "islower": ("isupper",),
    "keys": ("values",),
    "values": ("keys",),
    "find": ("rfind",),
    "rfind": ("find",),
    "split": ("rsplit",),
    "ljust": ("rjust",),
    "rjust": ("ljust",),
    "append": ("extend",),
    "union": ("intersection",),
    "intersection": ("union",),
}
_NOT_VARIABLES = {*keyword.kwlist, *_CALLS, "range", "enumerate", "zip", "reversed", "print"} | {
    "int", "str", "list", "dict", "set", "tuple", "bool", "join", "get", "items", "count", "divmod",
    "ValueError", "KeyError", "TypeError", "IndexError", "isinstance", "setdefault", "index", "pop",
    "replace", "insert", "extend", "isspace", "isalnum", "swapcase", "splitlines", "update", "pow",
    "round", "ord", "chr", "bin", "map", "filter", "zfill", "center", "partition", "rpartition",
    "key", "reverse", "add", "sort", "copy", "remove", "discard", "isidentifier", "default", "step",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Mutation:
    """Line `line` of a source (from 0) becomes `after`; `kind` names the mistake."""

    line: int
    before: str
    after: str
    kind: str

    def apply(self, source: str) -> str:
        """The source with the line replaced."""
        lines = source.split("\n")
        lines[self.line] = self.after
        return "\n".join(lines)


@dataclass(frozen=True, slots=True)
class _Token:
    text: str
    kind: int
    line: int
    start: int
    stop: int


def candidates(source: str) -> list[Mutation]:
    """Every mutation of a function's body; the docstring is never touched."""
    tokens = _body_tokens(source)
    names = sorted({token.text for token in tokens if _is_variable(token)})
    lines = source.split("\n")
    found: dict[tuple[int, str], Mutation] = {}
    for line, start, stop, text, kind in _changes(tokens, names, lines):
        before = lines[line]
        after = before[:start] + text + before[stop:]
        if after != before:
            found.setdefault((line, after), Mutation(line, before, after, kind))
    return list(found.values())


_PLAIN_CONDITION = re.compile(r"\b(if|elif) ((?!.* (?:and|or) )[^:\[\]]+?)(?=:$)")
"""A condition of one part, whose inversion is one `not`."""
_RARELY = {"name": 0.12, "return": 0.15, "constant": 0.6}
"""How likely a candidate of a frequent kind stays in the draw."""


def shuffled(source: str, rng: random.Random) -> list[Mutation]:
    """The candidates in a random order in which frequent kinds do not crowd out the others."""
    chosen = [m for m in candidates(source) if rng.random() < _RARELY.get(m.kind, 1.0)]
    rng.shuffle(chosen)
    return chosen


def _changes(
    tokens: list[_Token], names: list[str], lines: list[str]
) -> Iterator[tuple[int, int, int, str, str]]:
    """(line, start, stop, new text, kind) of every change."""
    for index, token in enumerate(tokens):
        for text, kind in _replacements(token, tokens, index, names):
            yield token.line, token.start, token.stop, text, kind
    for number in sorted({token.line for token in tokens}):
        yield from _line_changes(number, lines[number])


def _replacements(
    token: _Token, tokens: list[_Token], index: int, names: list[str]
) -> Iterator[tuple[str, str]]:
    text = token.text
    following = tokens[index + 1].text if index + 1 < len(tokens) else ""
    before = tokens[index - 1].text if index else ""
    if token.kind == tokenize.OP:
        yield from ((new, "comparison") for new in _COMPARISONS.get(text, ()))
        binary = before not in ("", "(", ",", "[", "=", "return", ":", "==", "<", ">", "{")
        if binary and not (text == "*" and before in ("(", ",")):
            yield from ((new, "operator") for new in _OPERATORS.get(text, ()))
    elif token.kind == tokenize.NUMBER and text.isdigit():
        value = int(text)
        yield str(value + 1), "constant"
        if value > 0:
            yield str(value - 1), "constant"
    elif text in _LOGIC:
        yield _LOGIC[text], "logic"
    elif text in _VALUES:
        yield _VALUES[text], "value"
    elif following == "(" and text in _CALLS:
        yield from ((new, "call") for new in _CALLS[text])
    elif _is_variable(token) and following not in ("(", "=", "+=", "-=", "*=") and before != "for":
        yield from ((new, "name") for new in names if new != text)


def _line_changes(number: int, line: str) -> Iterator[tuple[int, int, int, str, str]]:
    """Changes that concern more than one token."""
    if match := re.search(r"\b(if|elif|while) not (.+?)(?=:$)", line):
        yield number, match.start(), match.end(), f"{match[1]} {match[2]}", "condition"
    elif match := _PLAIN_CONDITION.search(line):
        yield number, match.start(2), match.end(2), f"not {match[2]}", "condition"
    if match := re.search(r"\bnot in\b", line):
        yield number, match.start(), match.end(), "in", "condition"
    elif (match := re.search(r"\bif [^:\[\]]*?( in )", line)) and " for " not in line:
        yield number, match.start(1), match.end(1), " not in ", "condition"
    if match := re.search(r"\bis not None\b", line):
        yield number, match.start(), match.end(), "is None", "condition"
    for match in re.finditer(r"\((\w+), (\w+)\)", line):
        yield number, match.start(), match.end(), f"({match[2]}, {match[1]})", "order"
    for match in re.finditer(r"(\w+) (-|//|%) (\w+)", line):
        yield number, match.start(), match.end(), f"{match[3]} {match[2]} {match[1]}", "order"
    for match in re.finditer(r"\[([\w+\- ]*):([\w+\- ]*)\]", line):
        yield number, match.start(), match.end(), f"[{match[2]}:{match[1]}]", "slice"
    for match in re.finditer(r"\[(\d)\]", line):
        yield number, match.start(), match.end(), "[-1]", "slice"
    for match in re.finditer(r"\[-1\]", line):
        yield number, match.start(), match.end(), "[0]", "slice"
    for match in re.finditer(r"\[::-1\]", line):
        yield number, match.start(), match.end(), "[::1]", "slice"
    for match in re.finditer(r"range\((\w+)\)", line):
        yield number, match.start(1), match.end(1), f"{match[1]} - 1", "range"
    for match in re.finditer(r"( [+-] 1)(?=[,)\]])", line):
        yield number, match.start(1), match.end(1), "", "range"
    for match in re.finditer(r", reverse=True", line):
        yield number, match.start(), match.end(), "", "value"
    if match := re.search(r"^( +)return (?=\w)", line):
        yield number, match.start(), match.end(), match[1], "return"


def _is_variable(token: _Token) -> bool:
    return (
        token.kind == tokenize.NAME
        and token.text not in _NOT_VARIABLES
        and not token.text.startswith("is")
    )


def _body_tokens(source: str) -> list[_Token]:
    """Tokens after the docstring; a name behind a dot is a method, told by its text alone."""
    tokens: list[_Token] = []
    inside = False
    for item in tokenize.generate_tokens(io.StringIO(source).readline):
        if inside and item.string.strip():
            line = item.start[0] - 1
            tokens.append(_Token(item.string, item.type, line, item.start[1], item.end[1]))
        if item.type == tokenize.STRING and item.string.startswith('"""'):
            inside = True
    return tokens
