"""Ways in which a repository makes git, or a program beside it, run code of its choice.

Each way arms one trap in a repository, whose canary is a program that leaves a mark. `fires` is
what an ordinary user would type for the trap to go off; it shows that the trap is a real one.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from .cases import git
from .partial import lack


class Hostile:
    """A repository with `a.txt` in two commits, and a program that tells when it is run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.root = folder / "repository"
        self.mark = folder / "mark"
        self.canary = folder / "canary"
        self.root.mkdir(parents=True)
        self.canary.write_text(f"#!/bin/sh\necho run >> {self.mark}\nexit 1\n")
        self.canary.chmod(0o755)
        git(self.root, "init", "-q", "-b", "main")
        for text in ("one", "two"):
            (self.root / "a.txt").write_text(f"{text}\n")
            git(self.root, "add", ".")
            git(self.root, "commit", "-qm", text)

    @property
    def git_dir(self) -> Path:
        return self.root / ".git"

    def config(self, *pairs: tuple[str, str], at: str = ".") -> None:
        for key, value in pairs:
            git(self.root / at, "config", key, value)

    def attributes(self, text: str) -> None:
        (self.git_dir / "info").mkdir(exist_ok=True)
        (self.git_dir / "info" / "attributes").write_text(f"* {text}\n")

    def touch(self) -> None:
        """Same size, another content: git has to read the file."""
        (self.root / "a.txt").write_text("owt\n")

    def fire(self, command: str) -> bool:
        """Whether the trap goes off when a user types `command`; leaves no mark behind."""
        subprocess.run(
            command,
            shell=True,
            cwd=self.root,
            capture_output=True,
            stdin=subprocess.DEVNULL,
            timeout=60,
        )
        fired = self.mark.exists()
        self.mark.unlink(missing_ok=True)
        return fired


@dataclass(frozen=True)
class Way:
    """One way. `fires` empty: nothing that this version of git and a test can easily provoke."""

    name: str
    arm: Callable[[Hostile], None]
    fires: str = ""


COMMIT = "git -c user.name=a -c user.email=a@b commit"


def _filter(kind: str) -> Callable[[Hostile], None]:
    def arm(place: Hostile) -> None:
        place.attributes("filter=e")
        place.config((f"filter.e.{kind}", str(place.canary)))
        place.touch()

    return arm


def _config(*keys: str, attributes: str = "", more: str = "") -> Callable[[Hostile], None]:
    def arm(place: Hostile) -> None:
        if attributes:
            place.attributes(attributes)
        place.config(*((key, str(place.canary)) for key in keys))
        if more:
            place.config(tuple(more.split("=", 1)))  # type: ignore[arg-type]
        place.touch()

    return arm


def _tracked_attributes(place: Hostile) -> None:
    (place.root / ".gitattributes").write_text("* filter=e diff=e merge=e\n")
    git(place.root, "add", ".gitattributes")
    git(place.root, "commit", "-qm", "attributes")
    place.config(("filter.e.clean", str(place.canary)), ("diff.e.command", str(place.canary)))
    place.touch()


def _attributes_file(place: Hostile) -> None:
    (place.folder / "attributes").write_text("* filter=e\n")
    place.config(
        ("core.attributesFile", str(place.folder / "attributes")),
        ("filter.e.clean", str(place.canary)),
    )
    place.touch()


def _included(key: str) -> Callable[[Hostile], None]:
    def arm(place: Hostile) -> None:
        (place.folder / "more").write_text(f'[filter "e"]\n\tclean = {place.canary}\n')
        place.attributes("filter=e")
        place.config((key.replace("HERE", f"{place.root}/"), str(place.folder / "more")))
        place.touch()

    return arm


def _worktree_config(place: Hostile) -> None:
    place.attributes("filter=e")
    place.config(("extensions.worktreeConfig", "true"))
    git(place.root, "config", "--worktree", "filter.e.clean", str(place.canary))
    place.touch()


def _hooks(place: Hostile, folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    for name in (
        *("pre-commit", "post-checkout", "post-index-change", "reference-transaction"),
        *("pre-auto-gc", "post-rewrite", "fsmonitor-watchman", "pre-applypatch", "post-commit"),
    ):
        (folder / name).unlink(missing_ok=True)
        (folder / name).symlink_to(place.canary)
    place.touch()


def _hooks_path(place: Hostile) -> None:
    _hooks(place, place.folder / "hooks")
    place.config(("core.hooksPath", str(place.folder / "hooks")))


def _lazy(url: str, *pairs: tuple[str, str]) -> Callable[[Hostile], None]:
    """A partial clone that lacks the blob of its first commit, and a remote to ask for it."""

    def arm(place: Hostile) -> None:
        git(place.root, "repack", "-adq")
        blob = git(place.root, "rev-parse", "HEAD~:a.txt")
        place.config(
            ("extensions.partialClone", "origin"),
            ("remote.origin.promisor", "true"),
            ("remote.origin.url", url.replace("CANARY", str(place.canary))),
            *(tuple(w.replace("CANARY", str(place.canary)) for w in pair) for pair in pairs),
        )
        lack(place.git_dir, blob)

    return arm


def _submodule(*keys: str, attributes: str = "") -> Callable[[Hostile], None]:
    """A submodule whose own configuration names the program."""

    def arm(place: Hostile) -> None:
        inner = Hostile(place.folder / "inner")
        git(place.root, *("-c", "protocol.file.allow=always"), "submodule", "add", "-q",
            str(inner.root), "sub")  # fmt: skip
        git(place.root, "commit", "-qm", "sub")
        if attributes:
            info = place.git_dir / "modules" / "sub" / "info"
            info.mkdir(exist_ok=True)
            (info / "attributes").write_text(f"* {attributes}\n")
        place.config(*((key, str(place.canary)) for key in keys), at="sub")
        (place.root / "sub" / "a.txt").write_text("owt\n")

    return arm


def _submodule_update(place: Hostile) -> None:
    _submodule()(place)
    place.config(("submodule.sub.update", f"!{place.canary}"))
    git(place.root / "sub", "checkout", "-q", "-f", "HEAD~")


def _nested(place: Hostile) -> None:
    inner = Hostile(place.root / "x")
    inner.attributes("filter=e")
    inner.config(("core.fsmonitor", str(place.canary)), ("filter.e.clean", str(place.canary)))
    inner.touch()


def _git_file(place: Hostile) -> None:
    _filter("clean")(place)
    place.git_dir.rename(place.folder / "elsewhere")
    place.git_dir.write_text(f"gitdir: {place.folder / 'elsewhere'}\n")
    _claimed(place)


def _linked_worktree(place: Hostile) -> None:
    place.attributes("filter=e")
    place.config(("filter.e.clean", str(place.canary)))
    git(place.root, "worktree", "add", "-q", "--detach", str(place.folder / "linked"))
    place.root = place.folder / "linked"
    place.touch()


def _other_worktree(place: Hostile) -> None:
    _filter("clean")(place)
    (place.folder / "other").mkdir()
    place.config(("core.worktree", str(place.folder / "other")))


def _linked_git_dir(place: Hostile) -> None:
    _filter("clean")(place)
    place.git_dir.rename(place.folder / "elsewhere")
    place.git_dir.symlink_to(place.folder / "elsewhere")
    _claimed(place)


def _claimed(place: Hostile) -> None:
    """The git directory names the checkout as its working tree: else it would not be read."""
    at = ["config", "--file", str(place.folder / "elsewhere" / "config")]
    git(place.folder, *at, "core.worktree", str(place.root))


def _program_here(place: Hostile) -> None:
    """`git` in the folder itself, which is on the PATH of people who write `.` into it."""
    (place.root / "git").symlink_to(place.canary)


def _module_here(place: Hostile) -> None:
    """`python -m pip` looks into the folder in which it is called."""
    (place.root / "pip.py").write_text(f"import os\nos.system('{place.canary} </dev/null')\n")


WAYS = (
    Way("a clean filter", _filter("clean"), "git add a.txt"),
    Way("a filter process", _filter("process"), "git add a.txt"),
    Way("a smudge filter", _filter("smudge"), "git checkout -f a.txt"),
    Way("a filter by tracked attributes", _tracked_attributes, "git add a.txt"),
    Way("a filter by core.attributesFile", _attributes_file, "git add a.txt"),
    Way("a filter in an included file", _included("include.path"), "git add a.txt"),
    Way("a filter included for a place", _included("includeIf.gitdir:HERE.path"), "git add a.txt"),
    Way("a filter in config.worktree", _worktree_config, "git add a.txt"),
    Way("diff.external", _config("diff.external"), "git diff"),
    Way("a diff command", _config("diff.e.command", attributes="diff=e"), "git diff"),
    Way("textconv", _config("diff.e.textconv", attributes="diff=e"), "git diff"),
    Way("a merge driver", _config("merge.e.driver", attributes="merge=e")),
    Way("core.fsmonitor", _config("core.fsmonitor"), "git status"),
    Way("hooks", lambda p: _hooks(p, p.git_dir / "hooks"), "git add a.txt"),
    Way("core.hooksPath", _hooks_path, "git add a.txt"),
    Way("core.editor", _config("core.editor", "sequence.editor"), f"{COMMIT} -a"),
    Way("core.pager", _config("core.pager", "pager.status", "pager.diff"),
        "script -qc 'git diff' /dev/null"),
    Way("gpg.program", _config("gpg.program", more="commit.gpgSign=true"),
        f"{COMMIT} -am x"),
    Way("credential.helper", _config("credential.helper"),
        "printf 'protocol=https\\nhost=x\\n\\n' | git credential fill"),
    Way("core.askPass", _config("core.askPass"),
        "printf 'protocol=https\\nhost=x\\n\\n' | git credential fill"),
    Way("an alias", _config("alias.x"), "git config alias.x \"!$(git config alias.x)\"; git x"),
    Way("core.sshCommand of a partial clone",
        _lazy("ssh://host/x", ("core.sshCommand", "CANARY")), "git show HEAD~:a.txt"),
    Way("a partial clone from a program",
        _lazy("ext::CANARY", ("protocol.ext.allow", "always")), "git show HEAD~:a.txt"),
    Way("core.gitProxy of a partial clone",
        _lazy("git://host/x", ("core.gitProxy", "CANARY")), "git show HEAD~:a.txt"),
    Way("an address that is rewritten",
        _lazy("https://host/x", ("url.ext::CANARY .insteadOf", "https://host/x"),
              ("protocol.ext.allow", "always")), "git show HEAD~:a.txt"),
    Way("remote.uploadpack of a partial clone",
        _lazy("/", ("remote.origin.uploadpack", "CANARY")), "git show HEAD~:a.txt"),
    Way("uploadpack.packObjectsHook", _config("uploadpack.packObjectsHook")),
    Way("core.alternateRefsCommand", _config("core.alternateRefsCommand")),
    Way("gc.recentObjectsHook", _config("gc.recentObjectsHook", more="gc.auto=1")),
    Way("Git LFS", _config("filter.lfs.clean", "filter.lfs.process", attributes="filter=lfs"),
        "git add a.txt"),
    Way("fsmonitor of a submodule", _submodule("core.fsmonitor"), "git status"),
    Way("a filter of a submodule", _submodule("filter.e.clean", attributes="filter=e"),
        "git status"),
    Way("submodule.update", _submodule_update, "git submodule update"),
    Way("a nested repository", _nested, "cd x/repository && git status"),
    Way("a .git file that leads elsewhere", _git_file, "git add a.txt"),
    Way("a .git that is a link", _linked_git_dir, "git add a.txt"),
    Way("a linked worktree", _linked_worktree, "git add a.txt"),
    Way("core.worktree", _other_worktree),
    Way("a program called git", _program_here, "PATH=.:$PATH; git status"),
    Way("a module called pip", _module_here, "python3 -m pip --version"),
)  # fmt: skip
