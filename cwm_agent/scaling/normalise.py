"""Two forms of a patch in which differences that do not matter are gone.

Files of tests and files that steer a test run are left out of both, so that what a
patch does to them can neither join nor part candidates.
"""

from __future__ import annotations

import ast
import hashlib
import re
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath

from envs.repository.patches import patch_paths, split_patch, strip_patch

_COMMENT = re.compile(r"[-+]\s*(#.*)?")
"""A changed line that holds nothing, or a comment of Python."""


def effective_patch(patch: str) -> str:
    """The patch without tests, settings of test runs, binary and scratch files; may be ""."""
    if not patch.strip():
        return ""
    return strip_patch(patch, tests=True, config=True, binary=True, scratch=True).patch


def normalise(patch: str) -> str:
    """The changed lines of the effective patch, file by file in the order of their paths.

    Line numbers, context, hashes, blank lines, trailing blanks and lines that are only
    a comment are gone. A patch that changes nothing else becomes "".
    """
    return "\n".join("\n".join([path, *(text for _, text in kept)]) for path, kept in _kept(patch))


def placed(patch: str) -> str:
    """The same with the old file's line number of each change: equal lines may stand elsewhere."""
    return repr(_kept(patch))


def ast_key(files: Mapping[str, str | None]) -> str:
    """What the touched files mean after the patch: equal for equal code, "" for no files.

    `files` holds the text of each file by its path, None where it was deleted. Python
    is compared by its syntax tree without docstrings; other files, and Python that
    cannot be parsed, by their lines. Source: the normalisation of Agentless.
    """
    parts = []
    for path, text in sorted(files.items()):
        form = "" if text is None else _code(path, text)
        parts.append(f"{path}\0{text is None}\0{form}")
    return digest("\1".join(parts)) if parts else ""


def digest(text: str) -> str:
    """A short name for a text: 12 hex digits of its SHA-256."""
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:12]


def _kept(patch: str) -> list[tuple[str, list[tuple[int, str]]]]:
    """The changes that count, by the path of their file."""
    sections = []
    for section in split_patch(effective_patch(patch)):
        path = patch_paths(section)[-1]
        python = PurePosixPath(path).suffix in ("", ".py", ".pyi")
        lines = [(number, text.rstrip()) for number, text in _changes(section)]
        kept = [x for x in lines if not (_COMMENT.fullmatch(x[1]) if python else len(x[1]) == 1)]
        if kept or _is_whole(section):
            sections.append((path, kept))
    return sorted(sections)


def _changes(section: str) -> Iterator[tuple[int, str]]:
    """The added and removed lines of one file, each with its line in the old file."""
    for hunk in re.split(r"^(?=@@ -)", section, flags=re.MULTILINE)[1:]:
        head, *lines = hunk.split("\n")
        number = int(re.findall(r"\d+", head)[0])
        for line in lines:
            if line[:1] in ("+", "-"):
                yield number, line
            number += line[:1] in (" ", "-")


def _is_whole(section: str) -> bool:
    """Whether a file is renamed, made empty or removed: a change without lines."""
    head = section.partition("\n@@ ")
    return not head[1] and bool(re.search(r"^(rename|copy|new|deleted|old mode)", head[0], re.M))


def _code(path: str, text: str) -> str:
    if PurePosixPath(path).suffix in (".py", ".pyi"):
        try:
            return ast.dump(_without_docstrings(ast.parse(text)))
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            pass  # compared by lines
    return "\n".join(line.rstrip() for line in text.splitlines() if line.strip())


def _without_docstrings(tree: ast.Module) -> ast.Module:
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            match node.body:
                case [ast.Expr(value=ast.Constant(value=str())), *rest]:
                    node.body = rest or [ast.Pass()]
    return tree
