"""The repository inside the sandbox: hide its future, snapshot it, diff it, patch it.

The harness keeps its own git directory beside the repository and never reads
the repository's configuration. So hooks, filters, external diff programs, a
broken index or a deleted `.git` cannot run code in the harness's commands or
bend its diffs, and the model's index stays untouched. All commands go through
`Sandbox.control`, apart from the model's shell.
"""

from __future__ import annotations

import posixpath
from dataclasses import dataclass

from envs.errors import OversizeError, PatchError, SandboxError
from envs.repository import git_scripts
from envs.repository.patches import is_utf8
from envs.repository.trial import Trial
from envs.sandbox.sandbox import Sandbox
from tools.submit import PATCH_BYTES
from tools.tool import Checked
from tools.workspace import CommandResult

QUICK = 120.0
SLOW = 1800.0
"""Seconds for commands on a repository, and for a garbage collection of a large history."""


@dataclass(frozen=True, slots=True)
class WorkingTree:
    """One state of the working tree: its git tree id and the binary diff from the start.

    `diff` is of the files' bytes, and exact. `patch` is the same change as git
    would write it where attributes (`ident`, `eol`, filters, ...) put a file's
    bytes into another form, or where lines are no UTF-8; there `diff` does not apply elsewhere.
    """

    tree: str
    diff: str
    patch: str


class SandboxRepository:
    """The repository at `root` of an open sandbox. Call `prepare` once, before anything else."""

    def __init__(self, sandbox: Sandbox, root: str) -> None:
        self._sandbox = sandbox
        self._root = root
        self._scratch = "/tmp/.cwm-agent" + root.replace("/", "-")
        self._start = ""
        self._last = WorkingTree("", "", "")
        self._trial = Trial(sandbox, root, self._scratch, self._control)
        self._oversize = ""

    @property
    def start_tree(self) -> str:
        """The git tree id of the state that diffs start from."""
        return self._start

    def prepare(self, *, ignore_untracked: bool = False) -> None:
        """Make `root` a repository with an identity, hide its future, take the first snapshot.

        With `ignore_untracked` git ignores there what it does not track by now.
        Takes as long as git needs, outside any command's time limit. Raises
        SandboxError when git or the folder is missing or a step fails.
        """
        if self._sandbox.path_kind(self._root) != "directory":
            raise SandboxError(
                f"there is no repository at {self._root} in the sandbox; "
                "give a checkout with --repo or an image that has one there"
            )
        if self._sandbox.control("command -v git", timeout=QUICK).exit_code:
            raise SandboxError(
                "git is missing in the sandbox; use an image that has git, "
                "or install it where bubblewrap runs"
            )
        self._take_over(git_scripts.adopt(self._root, self._scratch))
        self._take_over(git_scripts.hide_future(self._root))
        if ignore_untracked:
            self._control(git_scripts.ignore_untracked(self._root), timeout=SLOW)
        self._trial.remember()
        first = git_scripts.find_room(self._scratch) + git_scripts.seed(self._root, self._scratch)
        self._start = self._trial.start = self._write_tree(first)
        self._last = WorkingTree(self._start, "", "")

    def reopen(self, start: str) -> None:
        """Go on with what `prepare` left in a sandbox that was kept whole, instead of `prepare`.

        `start` is the tree that diffs start from. Raises SandboxError when the
        harness's git directory does not hold it.
        """
        self._control(git_scripts.has_tree(self._scratch, start))
        self._start = self._trial.start = start
        self._last = WorkingTree(start, "", "")

    def snapshot(self) -> WorkingTree:
        """The working tree now; new files count unless git ignores them or they are huge.

        Raises OversizeError when its diff is larger than a patch may be, or the disk is full.
        """
        first = git_scripts.find_room(self._scratch)
        tree = self._write_tree(first + git_scripts.exclude_large(self._root, self._scratch))
        if tree == self._oversize:
            raise _oversize(self._root)
        if tree != self._last.tree:
            try:
                self._last = self._changed(tree)
            except OversizeError:
                self._oversize = tree
                raise
        return self._last

    def diff(self, old: str, new: str) -> str:
        """Binary git diff between two trees; bytes that are no UTF-8 become lone surrogates.

        Raises OversizeError when it is larger than a patch may be.
        """
        target = self._diff_file
        command = git_scripts.diff(self._scratch, old, new, target, most=PATCH_BYTES + 1)
        self._control(command, timeout=SLOW)
        return self._read_diff()

    def _changed(self, tree: str) -> WorkingTree:
        """The state `tree`, and how the change to it is handed in."""
        command = git_scripts.diff(
            self._scratch, self._start, tree, self._diff_file, most=PATCH_BYTES + 1
        )
        converts = self._trial.converts(tree, self._diff_file)
        told = self._control(f"{command.rstrip()} || exit 1\n{converts}", timeout=SLOW).output
        diff = self._read_diff()
        patch = None
        if "converts" in told or not is_utf8(diff):
            patch = self._trial.in_git_form(tree)
        return WorkingTree(tree, diff, diff if patch is None else patch)

    @property
    def _diff_file(self) -> str:
        return posixpath.join(self._scratch, "diff")

    def _read_diff(self) -> str:
        try:
            content = self._sandbox.read_file(self._diff_file)
        except OSError as error:
            raise SandboxError(f"the diff of {self._root} cannot be read: {error}") from error
        if len(content) > PATCH_BYTES:
            raise _oversize(self._root)
        return content.decode("utf-8", "surrogateescape")

    def check(self, patch: str, cwd: str) -> Checked:
        """Try a submission on a clean copy; `cwd` is the folder of the model's shell."""
        return self._trial.check(patch, cwd)

    def apply(self, patch: str) -> None:
        """Apply a git patch to the working tree, all of it or nothing; raises PatchError."""
        if not patch.strip():
            return
        source = posixpath.join(self._scratch, "patch")
        self._sandbox.write_file(source, patch.encode("utf-8", "surrogateescape"))
        command = git_scripts.apply(self._root, self._scratch, source)
        result = self._sandbox.control(command, timeout=QUICK)
        if result.ending != "exited" or result.exit_code:
            raise PatchError(f"the patch does not apply: {_last_line(result)}")

    def _write_tree(self, first: str = "") -> str:
        command = first + git_scripts.write_tree(self._root, self._scratch)
        tree = self._control(command, timeout=SLOW).output.strip().rpartition("\n")[2]
        if tree == git_scripts.NO_ROOM:
            raise OversizeError(f"the disk is full, so the changes in {self._root} are not kept")
        if len(tree) not in (40, 64) or not set(tree) <= set("0123456789abcdef"):
            raise SandboxError(f"git gave no tree id for {self._root} but: {tree[:200]}")
        return tree

    def _take_over(self, command: str) -> None:
        """The first that changes the repository, which an image may have given to somebody else."""
        try:
            self._control(command, timeout=SLOW)
        except SandboxError as error:
            if "ermission denied" not in str(error):
                raise
            raise SandboxError(
                f"{error}; the image gives {self._root} to another user than it runs as: give it "
                "to that user there (chown -R), or make root the image's USER"
            ) from error

    def _control(self, command: str, *, timeout: float = QUICK) -> CommandResult:
        result = self._sandbox.control(command, timeout=timeout)
        if result.ending == "exited" and result.exit_code == 0:
            return result
        if result.ending == "timeout":
            raise SandboxError(
                f"git took longer than {timeout:g} s in {self._root}; resume the run"
            )
        if result.ending == "lost":
            raise SandboxError(
                "the sandbox was lost; continue the run with --resume",
                cause=result.cause or "container_gone",
            )
        raise SandboxError(f"the harness's git failed in {self._root}: {_last_line(result)}")


def _oversize(root: str) -> OversizeError:
    return OversizeError(
        f"the changes in {root} exceed {PATCH_BYTES // 2**20} MiB; "
        "remove what is not part of them, or have git ignore it"
    )


def _last_line(result: CommandResult) -> str:
    lines = result.output.strip().splitlines()
    return lines[-1] if lines else f"{result.ending}, exit code {result.exit_code}"
