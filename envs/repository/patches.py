"""Taking files out of a patch before it is scored.

A patch that changes tests or the settings of the test run can look solved
without being so; binary files, and what was only written to look for the bug,
do not belong into one. Nothing is dropped silently: the result names every file left out and why.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import PurePosixPath
from typing import Literal

Reason = Literal["test", "config", "binary", "scratch"]

_TEST_FOLDERS = frozenset({"test", "tests", "testing", "e2e", "__tests__"})
_TEST_FILE = re.compile(r"(test_.*|.*_tests?|tests?)\.\w+|.*\.(test|spec)\.\w+|conftest\.py")
_CONFIG_FILES = frozenset(
    {
        *("pytest.ini", ".pytest.ini", "pytest.toml", "tox.ini", "setup.cfg", "pyproject.toml"),
        *("noxfile.py", ".coveragerc", "sitecustomize.py", "usercustomize.py"),
    }
)
_SCRATCH_FILE = re.compile(
    r"(repro|debug|scratch|tmp|temp)([_-].*)?\.\w+|reproduc.*\.\w+"
    r"|.*\.(orig|rej|patch|diff|log|bak|swp|pyc)",
    re.IGNORECASE,
)
_NAMING = re.compile(
    r"^[ \tX]*(?P<kind>diff --git |--- |\+\+\+ |\*\*\* |Index: |(?:rename|copy) (?:from|to) )"
    r"(?P<names>.*)$",
    re.MULTILINE,
)
_SPACES = 20
"""Names with more blanks than these are not looked for."""
_QUOTED = re.compile(r'\\([abtnvfr"\\]|[0-7]{3})')
_ESCAPES = dict(zip('abtnvfr"\\', b'\a\b\t\n\v\f\r"\\', strict=True))


@dataclass(frozen=True, slots=True)
class Dropped:
    """One file taken out of a patch."""

    path: str
    reason: Reason


@dataclass(frozen=True, slots=True)
class StrippedPatch:
    """What is left of a patch and what is not."""

    patch: str
    dropped: tuple[Dropped, ...]


def strip_patch(
    patch: str,
    *,
    tests: bool = False,
    config: bool = False,
    binary: bool = False,
    scratch: bool = False,
) -> StrippedPatch:
    """Leave out test files, files that steer a test run, binary and scratch files, as asked.

    Scratch files are new ones whose name says that they were a means, such as `reproduce.py`
    or `fix.patch`. A renamed file counts under both names. Text before the first file stays.
    """
    kept: list[str] = []
    dropped: list[Dropped] = []
    wanted: dict[Reason, bool] = {
        "test": tests,
        "config": config,
        "binary": binary,
        "scratch": scratch,
    }
    for section in split_patch(patch):
        paths = patch_paths(section)
        reasons = [reason for reason in _reasons(section, paths) if wanted[reason]]
        if reasons:
            dropped.append(Dropped(paths[-1], reasons[0]))
        else:
            kept.append(section)
    return StrippedPatch("".join(kept), tuple(dropped))


def split_patch(patch: str) -> list[str]:
    """The patch cut before every line that begins a file; joined they are the patch again.

    Such a line begins with `diff `; every line of a hunk begins with a blank,
    plus, minus or backslash, and lines of binary data hold no blank.
    """
    starts = [match.start() for match in re.finditer(r"^diff ", patch, re.MULTILINE)]
    cuts = [0, *(start for start in starts if start), len(patch)]
    return [patch[low:high] for low, high in pairwise(cuts) if low < high]


def patch_paths(section: str) -> tuple[str, ...]:
    """The old and new path of one file of a patch (once if equal), "" for text before a file."""
    header = _header(section)
    if not header[0].startswith("diff "):
        return ("",)
    named = list(_named_paths(header)) or _paths_of_first_line(header[0])
    return tuple(dict.fromkeys(named))


def candidate_paths(patch: str) -> set[str]:
    """Every path that git or `patch` might take this text to mean, however it is applied.

    Names stand in lines of several kinds, with any number of leading folders
    too many. Lines of hunks may look like such lines, so there may be more.
    """
    found: set[str] = set()
    for match in _NAMING.finditer(patch):
        line = match.group("names").rstrip("\r")
        if match.group("kind") == "diff --git ":
            ends = [end.start() for end in re.finditer(r"(?<!\\) ", line)]
            names = [name for end in ends[:_SPACES] for name in (line[:end], line[end + 1 :])]
        else:
            names = [line, line.partition("\t")[0]]
        for name in map(_unquote, names):
            parts = [part for part in name.split("/") if part]
            if "\0" not in name and ".." not in parts:
                found |= {"/".join(parts[number:]) for number in range(len(parts))}
    return found


def is_unprefixed(patch: str) -> bool:
    """Whether every file's first line names it twice the same, as `--no-prefix` writes it."""
    lines = [
        part.split("\n", 1)[0] for part in split_patch(patch) if part.startswith("diff --git ")
    ]
    pairs = [line.rstrip("\r").removeprefix("diff --git ") for line in lines]
    return bool(pairs) and all(
        pair[: len(pair) // 2] == pair[len(pair) // 2 + 1 :] for pair in pairs
    )


def ends_binary(patch: str) -> bool:
    """Whether the last file of a patch is one of git's binary ones."""
    sections = split_patch(patch)
    return bool(sections) and "\nGIT binary patch\n" in sections[-1]


def is_utf8(patch: str) -> bool:
    """Whether the text, with lone surrogates for bytes that are no UTF-8, has none of them."""
    try:
        patch.encode()
    except UnicodeEncodeError:
        return False
    return True


def _header(section: str) -> list[str]:
    """The lines before the first hunk; `patch` reads them with line ends of Windows, too."""
    head = re.split(r"\n(?:@@ |GIT binary patch\r?\n)", section, maxsplit=1)[0]
    return [line.removesuffix("\r") for line in head.split("\n")]


def _named_paths(header: list[str]) -> Iterator[str]:
    for line in header[1:]:
        for start, prefixed in (
            ("rename from ", False),
            ("rename to ", False),
            ("copy from ", False),
            ("copy to ", False),
            ("--- ", True),
            ("+++ ", True),
        ):
            if line.startswith(start):
                path = _unquote(line.removeprefix(start).partition("\t")[0])
                if path != "/dev/null":
                    yield path.partition("/")[2] if prefixed else path


def _paths_of_first_line(line: str) -> list[str]:
    """Paths of `diff --git a/P b/P`, for files without hunks: both names are then equal."""
    names = line.removeprefix("diff --git ")
    if names.startswith('"'):
        return [_unquote(names.partition('" ')[0] + '"').partition("/")[2]]
    return [names[: len(names) // 2].partition("/")[2]]


def _unquote(name: str) -> str:
    """Undo git's quoting of unusual file names."""
    if not (name.startswith('"') and name.endswith('"')):
        return name

    def byte(match: re.Match[str]) -> str:
        code = match.group(1)
        value = int(code, 8) % 256 if code.isdigit() else _ESCAPES[code]
        return bytes([value]).decode("latin-1")

    escaped = re.sub(r"[^\x00-\x7f]", _as_bytes, name[1:-1])
    plain = _QUOTED.sub(byte, escaped)
    return plain.encode("latin-1").decode("utf-8", "surrogateescape")


def _as_bytes(match: re.Match[str]) -> str:
    """A character as the Latin-1 characters of its UTF-8 bytes."""
    return match.group().encode("utf-8", "surrogateescape").decode("latin-1")


def _reasons(section: str, paths: tuple[str, ...]) -> Iterator[Reason]:
    if any(is_test_file(path) for path in paths):
        yield "test"
    if any(PurePosixPath(path).name in _CONFIG_FILES for path in paths):
        yield "config"
    if re.search(r"^(GIT binary patch\r?$|Binary files .* differ\r?$)", section, re.MULTILINE):
        yield "binary"
    is_new = re.search(r"^new file mode ", section.partition("\n@@ ")[0], re.MULTILINE)
    if is_new and _SCRATCH_FILE.fullmatch(PurePosixPath(paths[-1]).name):
        yield "scratch"


def is_test_file(path: str) -> bool:
    """Whether a path looks like a test: by a folder on the way, or by the file's name."""
    parts = PurePosixPath(path).parts
    in_tests = any(part.lower() in _TEST_FOLDERS for part in parts[:-1])
    return in_tests or bool(parts and _TEST_FILE.fullmatch(parts[-1]))
