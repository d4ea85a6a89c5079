"""No repository gets a program run on the host, reaches the network, or holds us up."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from cwm_agent.errors import UsageError
from cwm_agent.tasks.checkout import apply_patch, read_checkout
from envs.errors import SandboxError
from envs.images.host_settings import host_settings
from envs.swebench.git_source import export_commit, resolve_commit

from .cases import ROOT, git
from .hostile import WAYS, Hostile, Way, _lazy

PATCH = "diff --git a/a.txt b/a.txt\n--- a/a.txt\n+++ b/a.txt\n@@ -1 +1 @@\n-{}\n+new\n"


def everything(root: Path, scratch: Path) -> None:
    """All that is done on the host with somebody's repository."""
    checkout = read_checkout(root, dirty=True)
    checkout.copy_to(scratch / "copy")
    text = (root / "a.txt").read_text().strip()
    assert apply_patch(checkout, PATCH.format(text)) == ["a.txt"]
    export_commit(str(root), resolve_commit(str(root), "HEAD"), scratch / "export", depth=1)


@pytest.fixture
def hostile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Hostile:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    return Hostile(tmp_path / "place")


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.name)
def test_no_way_runs_a_program(
    way: Way, hostile: Hostile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    way.arm(hostile)
    hostile.mark.unlink(missing_ok=True)
    monkeypatch.chdir(hostile.root)
    monkeypatch.setenv("PATH", f".:{os.environ['PATH']}")
    everything(hostile.root, tmp_path)
    if way.name == "a module called pip":
        host_settings("/x")
    assert not hostile.mark.exists()
    if way.fires:
        hostile.touch()
        assert hostile.fire(way.fires), "the trap is none"


def test_there_are_at_least_thirty_ways() -> None:
    assert len({way.name for way in WAYS}) >= 30


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
def test_nothing_but_git_itself_is_run(hostile: Hostile, tmp_path: Path) -> None:
    alone = ("worktree", "link", "leads elsewhere", "submodule", "partial", "rewritten", "tracked")
    for way in WAYS:
        if not any(word in way.name for word in alone):
            shutil.rmtree(hostile.git_dir / "hooks", ignore_errors=True)
            way.arm(hostile)
    log = tmp_path / "log"
    script = f"""
        import sys
        from pathlib import Path
        from tests.cwm_agent.test_hostile_repositories import everything
        everything(Path({str(hostile.root)!r}), Path({str(tmp_path)!r}))
    """
    command = ["strace", "-f", "-qq", "-s", "4096", "-e", "trace=execve", "-o", str(log)]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    subprocess.run(
        [*command, sys.executable, "-P", "-c", textwrap.dedent(script)],
        env=environment, cwd=hostile.root, check=True, capture_output=True,
    )  # fmt: skip
    run = {
        line.split('execve("', 1)[1].split('"', 1)[0]
        for line in log.read_text(errors="replace").splitlines()
        if "execve(" in line and line.rstrip().endswith("= 0")
    }
    names = {Path(path).name for path in run}
    allowed = {"git", "git-upload-pack", "apt-config", "dpkg", "sh", "uname", "ldconfig"}
    assert {name for name in names if not name.startswith("python")} <= allowed
    assert not any(str(hostile.folder) in path for path in run)


def test_a_partial_clone_asks_no_server(hostile: Hostile, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        _lazy(f"http://127.0.0.1:{server.getsockname()[1]}/x")(hostile)
        everything(hostile.root, tmp_path)
        with pytest.raises(BlockingIOError):
            server.accept()


@pytest.mark.parametrize(
    "place", ["HEAD", "index", "config", "packed-refs", "info/exclude", "shallow", "commondir"]
)
def test_a_pipe_in_the_place_of_a_file_holds_nobody_up(
    hostile: Hostile, tmp_path: Path, place: str
) -> None:
    path = hostile.git_dir / place
    path.parent.mkdir(exist_ok=True)
    path.unlink(missing_ok=True)
    os.mkfifo(path)
    if place == "HEAD":
        with pytest.raises(UsageError, match="no commit"):
            read_checkout(hostile.root, dirty=True)
    else:
        read_checkout(hostile.root, dirty=True).copy_to(tmp_path / "copy")


def test_a_link_out_of_the_tree_is_not_followed(hostile: Hostile, tmp_path: Path) -> None:
    """A submodule's path that is a link to somebody's other repository."""
    other = Hostile(tmp_path / "other")
    commit = git(other.root, "rev-parse", "HEAD")
    git(hostile.root, "update-index", "--add", "--cacheinfo", f"160000,{commit},sub")
    git(hostile.root, "commit", "-qm", "sub")
    (hostile.root / "sub").symlink_to(other.root)
    checkout = read_checkout(hostile.root, dirty=True)
    assert checkout.nested == ()
    checkout.copy_to(tmp_path / "copy")
    assert not (tmp_path / "copy" / "sub").exists()


SETTINGS = {
    "color.ui": "always",
    "protocol.file.allow": "never",
    "protocol.allow": "never",
    "diff.noprefix": "true",
    "diff.mnemonicPrefix": "true",
    "diff.context": "0",
    "diff.algorithm": "patience",
    "status.short": "false",
    "status.showUntrackedFiles": "no",
    "core.autocrlf": "true",
    "core.quotePath": "true",
    "core.abbrev": "4",
    "core.bare": "true",
    "core.fileMode": "false",
    "commit.gpgSign": "true",
    "tag.gpgSign": "true",
    "init.defaultObjectFormat": "sha256",
    "init.templateDir": "/nowhere",
    "safe.bareRepository": "explicit",
    "push.default": "nothing",
    "transfer.fsckObjects": "true",
    "fetch.prune": "true",
    "apply.whitespace": "error",
    "log.showSignature": "true",
    "help.autocorrect": "prompt",
}
VARIABLES = {
    "GIT_DIR": "/nowhere",
    "GIT_WORK_TREE": "/nowhere",
    "GIT_INDEX_FILE": "/nowhere/index",
    "GIT_OBJECT_DIRECTORY": "/nowhere",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES": "/nowhere",
    "GIT_EXTERNAL_DIFF": "/bin/false",
    "GIT_DIFF_OPTS": "--unified=0",
    "GIT_DEFAULT_HASH": "sha256",
    "GIT_LITERAL_PATHSPECS": "0",
    "GIT_NAMESPACE": "x",
    "GIT_TRACE": "1",
    "GIT_ALLOW_PROTOCOL": "none",
    "GIT_CONFIG_COUNT": "1",
    "GIT_CONFIG_KEY_0": "color.ui",
    "GIT_CONFIG_VALUE_0": "always",
    "GIT_EXEC_PATH": "/nowhere",
    "GIT_PAGER": "/bin/false",
}


def test_the_users_own_settings_break_nothing(
    hostile: Hostile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (hostile.root / "a.txt").write_text("two\nthree\n")
    (hostile.root / "b.txt").write_text("new\n")
    head = git(hostile.root, "rev-parse", "HEAD")
    expected = read_checkout(hostile.root, dirty=True)
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    for key, value in SETTINGS.items():
        git(tmp_path, "config", "--global", key, value)
    for name, value in VARIABLES.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(home / ".gitconfig"))
    checkout = read_checkout(hostile.root, dirty=True)
    assert checkout == expected
    checkout.copy_to(tmp_path / "copy")
    export_commit(hostile.root.as_uri(), head, tmp_path / "export")
    assert (tmp_path / "export" / "a.txt").read_text() == "two\n"
    with pytest.raises(UsageError, match=r"a\.txt: patch does not apply"):
        apply_patch(checkout, PATCH.format("nothing"))


def test_what_the_user_ignores_everywhere_stays_ignored(
    hostile: Hostile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    (home / ".config" / "git").mkdir(parents=True)
    (home / ".config" / "git" / "ignore").write_text(".env\n")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    (hostile.root / ".env").write_text("SECRET=1\n")
    assert read_checkout(hostile.root, dirty=True).changes == ""
    (home / "mine").write_text("nothing\n")
    git(tmp_path, "config", "--global", "core.excludesFile", "~/mine")
    assert ".env" in read_checkout(hostile.root, dirty=True).changes


def test_a_source_that_is_a_program_is_no_address(tmp_path: Path) -> None:
    with pytest.raises(SandboxError, match="check the address"):
        resolve_commit(f"ext::sh -c 'touch {tmp_path}/mark'", "main")
    assert not (tmp_path / "mark").exists()


def test_the_command_starts_nothing_that_lies_in_the_folder(tmp_path: Path) -> None:
    """On the PATH of people who write `.` into it, or a module named as one of Python's."""
    for name in ("git", "bwrap", "docker", "bash", "sh", "uname", "debootstrap"):
        place = tmp_path / name
        place.write_text(f"#!/bin/sh\necho {name} >> {tmp_path}/mark\n")
        place.chmod(0o755)
    for module in ("pip", "multiprocessing", "cwm_agent", "envs", "docker", "typing"):
        (tmp_path / f"{module}.py").write_text(f"open({str(tmp_path / 'mark')!r}, 'w')\n")
    environment = os.environ | {"PATH": f".:{os.environ['PATH']}", "HOME": str(tmp_path / "home")}
    script = """
        import atexit, multiprocessing.resource_tracker as tracker, subprocess, sys
        from cwm_agent.cli.main import main
        atexit.register(tracker.ensure_running)
        atexit.register(subprocess.run, ["uname"])
        sys.argv[1:] = ["config", "path"]
        main()
    """
    subprocess.run(
        [sys.executable, "-P", "-c", textwrap.dedent(script)],
        env=environment | {"PYTHONPATH": str(ROOT)},
        cwd=tmp_path,
        check=False,
        capture_output=True,
        timeout=240,
    )
    assert not (tmp_path / "mark").exists()
