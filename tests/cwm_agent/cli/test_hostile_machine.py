"""What a user's machine and files can do wrong: a clear line and the documented exit code."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator
from pathlib import Path
from subprocess import CompletedProcess

import pytest
import typer

from cwm_agent.cli.main import COMMANDS
from cwm_agent.cli.os_errors import explain
from results.store import Attempt

Command = Callable[..., CompletedProcess[str]]
DEEP = "[" * 100_000
DEEP_YAML = b"[" * 1000  # its parser is written in Python, and slow


def said(done: CompletedProcess[str], code: int, *words: str) -> None:
    """One line of error with `words`, nothing on stdout, and the exit code."""
    assert (done.returncode, done.stdout) == (code, ""), done.stderr
    # Other tests kill commands at the same time, and this one may sweep what they left.
    lines = [line for line in done.stderr.splitlines() if not line.startswith("removed an orphan ")]
    errors = "\n".join(lines)
    assert errors.startswith("error: ")
    assert "unexpected" not in errors
    assert len(errors) < 1000
    for word in words:
        assert word in errors


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.toml", b"\xff\xfe", ["a.toml", "utf-8"]),
        ("a.toml", b"a = " + DEEP.encode(), ["a.toml", "nested too deeply"]),
        ("a.toml", b"[limits]\nturns = " + b"9" * 5000, ["a.toml", "4300 digits"]),
        ("a.toml", b"[limits]\nturns = true\n", ["limits.turns", "a.toml", "not true or false"]),
        ("a.toml", b"[limits]\nturns = -1\n", ["limits.turns", "greater than"]),
        ("a.toml", b"[limits]\ncommand_seconds = nan\n", ["finite number"]),
        ("a.toml", b"[limits]\ncommand_seconds = 1e400\n", ["finite number"]),
        ("a.toml", b"[limits]\ncommand_seconds = 1e300\n", ["less than or equal to 1000000000"]),
        ("a.toml", b"[endpoint]\nsilence_seconds = -3\n", ["greater than 0"]),
        ("a.toml", b"[sandbox]\nmemory = '1e400'\n", ["sandbox.memory"]),
        ("a.toml", b"[sandbox]\npids = 99999999999999999999\n", ["less than or equal to"]),
        ("a.toml", b"[sandbox]\nmemory = '99999999999GiB'\n", ["less than or equal to"]),
        ("a.toml", b"limits = 3\n", ["it is a section"]),
        ("a.toml", b"[[limits]]\nturns = 3\n", ["it is a section"]),
        ("a.toml", b"runs = '~nobody-here/x'\n", ["~nobody-here/x", "full path"]),
        ("a.yaml", b"- 1\n", ["must map setting names to values"]),
        ("a.yaml", b"a: 2026-99-99\n", ["a.yaml", "month must be in"]),
        ("a.yaml", b"runs: &a [*a]\n", ["runs"]),
        ("a.yaml", DEEP_YAML, ["nested too deeply"]),
        ("a.ini", b"x", ["must end in .toml"]),
    ],
)  # fmt: skip
def test_a_settings_file(
    cwm_agent: Command, tmp_path: Path, name: str, content: bytes, words: list[str]
) -> None:
    (tmp_path / name).write_bytes(content)
    said(cwm_agent("ls", "--config", name), 2, *words)


BAD = {
    "deep.yaml": DEEP_YAML, "deep.json": DEEP.encode(), "deep.jsonl": DEEP.encode(),
    "bytes.yaml": b"\xff\xfe", "bytes.jsonl": b"\xff\xfe", "date.yaml": b"a: 2026-99-99",
    "empty.yaml": b"", "empty.json": b"", "loop.yaml": b"&a [*a]", "nul.yaml": b"a: \0",
    "second.jsonl": b"{}\n{\n",
}  # fmt: skip
READERS = {
    "recording": ("solve", "x", "--image", "none", "--replay"),
    "suite": ("run",),
    "predictions": ("score", "--dataset", "rows.json"),
    "rows": ("score", "predictions.json", "--dataset"),
    "pack": ("prompts", "show"),
}


@pytest.mark.parametrize("file", [*BAD, "folder.yaml", "folder.json", "absent.yaml"])
@pytest.mark.parametrize("reader", READERS)
def test_a_file_that_is_read(cwm_agent: Command, tmp_path: Path, reader: str, file: str) -> None:
    (tmp_path / "predictions.json").write_text('[{"instance_id": "a", "model_patch": ""}]')
    if file in BAD:
        (tmp_path / file).write_bytes(BAD[file])
    elif file.startswith("folder"):
        (tmp_path / file).mkdir()
    said(cwm_agent(*READERS[reader], file), 2, file)


def test_a_line_of_jsonl_is_named_and_may_hold_any_separator(
    cwm_agent: Command, tmp_path: Path
) -> None:
    suite = tmp_path / "suite.jsonl"
    suite.write_text('{"instance": "a", "issue": "x\u2028y\u0085z"}\n\n{"instance": "b"}\n')
    said(cwm_agent("run", "suite.jsonl"), 2, "task 2: give one of")
    suite.write_text('{"instance": "a", "issue": "x\u2028y"}\n{"instance"\n')
    said(cwm_agent("run", "suite.jsonl"), 2, "line 2: ")


@pytest.mark.parametrize("place", ["/dev/null", "/dev/null/x", "file"])
@pytest.mark.parametrize(
    "command", [("solve", "example:flask-blueprint-name"), ("score", "--control", "gold")]
)
def test_a_cache_that_cannot_be_used(
    cwm_agent: Command, tmp_path: Path, command: tuple[str, ...], place: str
) -> None:
    (tmp_path / "file").touch()
    done = cwm_agent(*command, XDG_CACHE_HOME=str(tmp_path / place))
    said(done, 4, place, "XDG_CACHE_HOME")


@pytest.mark.parametrize(
    "engine", ["http://[bad", "tcp://a:99999", "nonsense", "ssh://x", "unix:///etc/passwd"]
)
def test_a_docker_host_that_is_none(cwm_agent: Command, engine: str) -> None:
    said(cwm_agent("images", "ls", DOCKER_HOST=engine), 4, "no Docker engine answers")


def test_a_runs_folder_that_is_a_file(cwm_agent: Command, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for command in (("ls",), ("view",), ("view", "x"), ("export", "x"), ("ctl", "x", "status")):
        said(cwm_agent(*command, "--runs", "file"), 4, "cannot read the folder file")


@pytest.mark.parametrize("file", ["run.json", "result.json", "events.jsonl"])
@pytest.mark.parametrize(
    "content", [b"", b"\xff", DEEP.encode() + b"\n", b"null\n", b"[]\n", b'{"a": 1e400}\n']
)
def test_a_damaged_file_of_a_run(
    cwm_agent: Command, finished: Attempt, file: str, content: bytes
) -> None:
    folder = finished.folder.parents[1] if file == "run.json" else finished.folder
    (folder / file).write_bytes(content)
    for command in (["ls"], ["ls", "--json"], ["view"], ["view", "--json"], ["export", "first"]):
        done = cwm_agent(*command)
        assert done.returncode in (0, 2, 4), (command, done.stderr)
        assert "unexpected" not in done.stderr


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (OSError(errno.ENOSPC, "No space left on device"),
         "No space left on device; free some space, or choose another runs folder with --runs, "
         "cache with XDG_CACHE_HOME, or TMPDIR"),
        (PermissionError(errno.EACCES, "Permission denied", "/x"),
         "/x: Permission denied; check its owner and permissions"),
        (PermissionError(errno.EACCES, "Permission denied", "/t/cwm-agent-1/x"),
         "/t/cwm-agent-1/x: Permission denied; temporary files can be moved with TMPDIR; "
         "check its owner and permissions"),
        (OSError(errno.EMFILE, "Too many open files", b"/x"),
         "/x: Too many open files; raise the limit of open files (ulimit -n 4096), or use fewer "
         "--workers"),
        (FileNotFoundError(errno.ENOENT, "No usable temporary directory found in ['/tmp']"),
         "No usable temporary directory found in ['/tmp']; set TMPDIR to a folder that can be "
         "written"),
        (OSError(), "OSError"),
    ],
)  # fmt: skip
def test_what_the_system_refuses_is_one_line_with_a_remedy(error: OSError, text: str) -> None:
    assert explain(error) == text


def test_an_unknown_home_and_a_folder_that_is_gone(
    cwm_agent: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(Path, "home", classmethod(_no_home))
        said(cwm_agent("ls"), 4, "set HOME")
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    said(cwm_agent("config", "show"), 4, "the current folder no longer exists")


def _no_home(cls: type[Path]) -> Path:
    raise RuntimeError("Could not determine home directory.")


def commands() -> Iterator[tuple[str, ...]]:
    """Every command line that `--help` can be asked of."""
    for name, lazy in COMMANDS.items():
        yield (name,)
        if lazy.group:
            yield from ((name, sub) for sub in typer.Context(lazy.load()).command.commands)


@pytest.mark.parametrize("command", [*commands()], ids=" ".join)
def test_every_help_explains_each_option_and_shows_an_example(
    cwm_agent: Command, command: tuple[str, ...]
) -> None:
    done = cwm_agent(*command, "--help", COLUMNS="100", TERM="dumb")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"Usage: cwm-agent {' '.join(command)} ")
    lines = done.stdout.split("\n")
    assert all(len(line) < 120 for line in lines)
    if COMMANDS[command[0]].group and len(command) == 1:
        return
    assert f"cwm-agent {' '.join(command)}" in done.stdout.partition("\n")[2]
    options = [line for line in lines if line.startswith("  -")]
    assert [line for line in options if len(line.split("  ")) < 3 and len(line) < 30] == []
