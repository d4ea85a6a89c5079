"""Trying a patch on a clean copy of the files that it names, before it becomes a submission.

The copy holds what the files were at the start, tracked where the repository's
HEAD tracks them, so the official grader's commands do there what they will do
on the whole repository. What they refuse is repaired where it is certain what
was meant: nothing but the line ends or the prefix of the names is wrong, or the
repaired patch makes of its files exactly what they are in the model's working tree.
"""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import resources

from envs.errors import OversizeError, SandboxError
from envs.repository.applying import apply_as_graded
from envs.repository.patches import (
    candidate_paths,
    ends_binary,
    is_unprefixed,
    is_utf8,
    patch_paths,
    split_patch,
)
from envs.sandbox.sandbox import Sandbox
from tools.submit import PATCH_BYTES
from tools.tool import Checked, Repair
from tools.workspace import CommandResult

REASON_CHARACTERS = 1500
_COLOUR = re.compile(r"\x1b\[[0-9;]*[mK]")
Control = Callable[[str], CommandResult]
"""Runs a command of the harness; raises SandboxError where it fails."""


@dataclass(frozen=True, slots=True)
class _Attempt:
    """One way to read a patch. `certain`: it needs no proof by the working tree."""

    repair: Repair
    text: str
    options: tuple[str, ...] = ()
    certain: bool = False


@dataclass(frozen=True, slots=True)
class _Outcome:
    """A patch that applied: by which of the grader's commands, and from which tree to which."""

    command: int
    before: str
    after: str
    proven: bool

    @property
    def idle(self) -> bool:
        """Whether nothing changed."""
        return self.measured and self.before == self.after

    @property
    def measured(self) -> bool:
        """Whether git could put both trees in its own form."""
        return "-" not in (self.before, self.after)


class Trial:
    """Tries patches to the repository at `root`. `scratch` is the harness's folder for it.

    `remember` is called when the repository is prepared; `start` is the tree
    id, in the harness's git directory, that patches begin from.
    """

    def __init__(self, sandbox: Sandbox, root: str, scratch: str, control: Control) -> None:
        self._sandbox = sandbox
        self._root = root
        self._folder = posixpath.join(scratch, "trial")
        self._scratch = scratch
        self._control = control
        self.start = ""

    def remember(self) -> None:
        """Keep the settings, attributes and tracked files that decide how a patch applies."""
        self._call("remember")

    def converts(self, tree: str, diff_file: str) -> str:
        """A command that prints "converts" where the raw diff to `tree` may not apply."""
        return self._script(f"converts {shlex.quote(tree)} {shlex.quote(diff_file)}")

    def in_git_form(self, tree: str) -> str | None:
        """The patch from the start to `tree` as git itself would write it, in UTF-8.

        None where that cannot be had, or would not apply.
        """
        trees = self._call(f"in_git_form {shlex.quote(tree)}").split()
        if len(trees) != 2 or "-" in trees:
            return None
        patch = self._difference(*trees)
        outcome = self._try(patch, "graded")
        return patch if outcome is not None and outcome.command == 0 else None

    def check(self, patch: str, cwd: str) -> Checked:
        """What becomes of a submission; `cwd` is where the model's shell stands."""
        text = _ended(patch)
        self._name_files(text, cwd)
        reason = ""
        for wording in dict.fromkeys((text, patch)):  # a cut header applies only as it was cut
            outcome = self._try(wording, "graded")
            if outcome is None:
                reason = reason or self._reason()
            elif not outcome.idle:
                return self._accepted(text, outcome)
        for attempt in _attempts(text, self._root, cwd):
            command = shlex.join(["repaired", *attempt.options])
            found = self._try(attempt.text, command)
            if (
                found is not None
                and found.measured
                and not found.idle
                and (attempt.certain or found.proven)
            ):
                made = self._difference(found.before, found.after)
                return Checked(made, repair=attempt.repair)
        return Checked(None, reason=reason, base=self._base())

    def _accepted(self, text: str, outcome: _Outcome) -> Checked:
        plain = outcome.command == 0 and text.startswith("diff --git ") and is_utf8(text)
        if plain or not outcome.measured:
            return Checked(text)
        return Checked(self._difference(outcome.before, outcome.after), repair="form")

    def _name_files(self, text: str, cwd: str) -> None:
        names = candidate_paths(text) | candidate_paths(_COLOUR.sub("", text))
        if folder := _below(cwd, self._root):
            names |= {posixpath.join(folder, name) for name in names}
        parents = {parent for name in names for parent in _parents(name)}
        attributes = {posixpath.join(parent, ".gitattributes") for parent in {*parents, ""}}
        listed = "".join(f"{name}\0" for name in sorted(names | parents | attributes))
        self._write("names", listed)

    def _try(self, text: str, command: str) -> _Outcome | None:
        self._write("patch", text)
        number, *rest = self._call(command).split()
        if not rest:
            return None
        before, after, same = rest
        return _Outcome(int(number), before, after, same == "same")

    def _difference(self, before: str, after: str) -> str:
        """The patch between two trees; a file whose lines are no UTF-8 is written as binary."""
        patch = self._read_difference(before, after)
        odd = [part for part in split_patch(patch) if not is_utf8(part)]
        if not odd:
            return patch
        lines = [_attribute(path) for part in odd for path in patch_paths(part)]
        self._write("binary", "".join(lines))
        try:
            return self._read_difference(before, after)
        finally:
            self._control(f"rm -f {shlex.quote(self._path('binary'))}")

    def _read_difference(self, before: str, after: str) -> str:
        self._call(f"difference {before} {after}")
        content = self._read("difference")
        if len(content) > PATCH_BYTES:
            raise OversizeError(f"the patch exceeds {PATCH_BYTES // 2**20} MiB")
        return content.decode("utf-8", "surrogateescape")

    def _reason(self) -> str:
        """What the grader's first command said."""
        said = self._read("log.0").decode("utf-8", "replace").splitlines()
        lines = [line for line in said if not line.startswith("Checking patch ")]
        text = "\n".join(lines).replace(self._path("patch"), "the patch")
        return text[:REASON_CHARACTERS] or "git apply refuses it"

    def _base(self) -> str:
        try:
            head = self._sandbox.read_file(posixpath.join(self._scratch, "began", "head"))
        except OSError:
            return "HEAD"
        return head.decode("ascii", "replace").strip()[:12] or "HEAD"

    def _call(self, command: str) -> str:
        return self._control(self._script(command)).output.strip()

    def _script(self, command: str) -> str:
        functions = resources.files("envs").joinpath("scripts", "trial.sh").read_text()
        return (
            f"their_home=$HOME; home={shlex.quote(self._scratch)}; root={shlex.quote(self._root)}; "
            f"start={shlex.quote(self.start)}; most={PATCH_BYTES + 1}\n"
            f"{apply_as_graded()}{functions}{command}\n"
        )

    def _path(self, name: str) -> str:
        return posixpath.join(self._folder, name)

    def _write(self, name: str, text: str) -> None:
        try:
            self._sandbox.write_file(self._path(name), text.encode("utf-8", "surrogateescape"))
        except OSError as error:
            raise SandboxError(f"a patch cannot be tried: {error}") from error

    def _read(self, name: str) -> bytes:
        try:
            return self._sandbox.read_file(self._path(name))
        except OSError as error:
            raise SandboxError(f"a patch cannot be tried: {error}") from error


def _attempts(text: str, root: str, cwd: str) -> Iterator[_Attempt]:
    """Other ways to read a patch that does not apply, the likeliest first."""
    lines = text.split("\n")
    if all(line.endswith("\r") for line in lines[:-1]):
        text = text.replace("\r\n", "\n")
        yield _Attempt("line_ends", text, certain=True)
        yield _Attempt("line_ends", _header_line_ends(lines), certain=True)
    yield _Attempt("prefix", text, ("-p0",), certain=is_unprefixed(text))
    yield _Attempt("prefix", text, (f"-p{root.count('/') + 1}",))
    if folder := _below(cwd, root):
        yield _Attempt("folder", text, (f"--directory={folder}",))
    yield _Attempt("counts", text, ("--recount",))
    yield _Attempt("counts", text, ("--recount", "-p0"))
    yield _Attempt("blanks", text, ("--ignore-whitespace",))
    yield _Attempt("colours", _COLOUR.sub("", text))
    yield _Attempt("reversed", text, ("--reverse",))


def _header_line_ends(lines: list[str]) -> str:
    """The carriage returns taken from all but the lines of hunks, for files that have them."""
    return "\n".join(
        line if line.startswith((" ", "+", "-")) and not line.startswith(("--- ", "+++ "))
        else line.removesuffix("\r")
        for line in lines
    )  # fmt: skip


def _ended(patch: str) -> str:
    """The patch with its final line end, and the empty line that ends binary data."""
    text = patch if patch.endswith("\n") else f"{patch}\n"
    return f"{text}\n" if ends_binary(text) and not text.endswith("\n\n") else text


def _below(folder: str, root: str) -> str:
    """`folder` relative to `root`; "" where it is not below it."""
    prefix = root.rstrip("/") + "/"
    return posixpath.normpath(folder).removeprefix(prefix) if folder.startswith(prefix) else ""


def _parents(path: str) -> Iterator[str]:
    while path := posixpath.dirname(path):
        yield path


def _attribute(path: str) -> str:
    """A line of gitattributes by which the file's content is binary."""
    pattern = re.sub(r"([\\*?\[])", r"\\\1", f"/{path}").encode("utf-8", "surrogateescape")
    quoted = "".join(
        f"\\{byte:03o}" if byte < 0x20 or byte > 0x7E or byte in b'"\\' else chr(byte)
        for byte in pattern
    )
    return f'"{quoted}" -diff\n'
