"""`~/.bashrc`: every new shell of the model begins with what it sets, whatever else it does."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator

import pytest

from envs.sandbox.sandbox import Sandbox
from envs.shell import startup

TIMEOUT = 60.0
CONDA = """
conda() { case $1 in +(activate)) export PATH=/envs/$2/bin:$PATH CONDA_DEFAULT_ENV=$2;; esac; }
"""
ACTIVATION = 'shopt -s extglob\neval "$CONDA"\nconda activate testbed\n'
UBUNTU = """case $- in
    *i*) ;;
      *) return;;
esac
alias ls='ls --color=auto'
"""

Start = Callable[[str], Sandbox]


@pytest.fixture
def said(place: Sandbox, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the user is told; the sandbox forgets what it knew of earlier start files."""
    monkeypatch.setattr(startup, "QUIET_SECONDS", 600.0)  # a busy machine is no slow file
    heard: list[str] = []
    session = place._session  # type: ignore[attr-defined]
    session._starter = startup.Starter(session._shell, heard.append)
    return heard


@pytest.fixture
def start(place: Sandbox, said: list[str]) -> Iterator[Start]:
    """The sandbox with a new shell and a start file."""

    def with_file(text: str) -> Sandbox:
        text = text.replace('"$CONDA"', shlex.quote(CONDA))
        place.control(f"printf %s {shlex.quote(text)} > ~/.bashrc", timeout=TIMEOUT)
        place.restart_shell(cwd="/testbed")
        return place

    yield with_file
    place.control("rm -f ~/.bashrc", timeout=TIMEOUT)
    place.restart_shell(cwd="/testbed")


def says(place: Sandbox, command: str) -> str:
    result = place.run(command, timeout=TIMEOUT)
    assert result.ending == "exited"
    return result.output


ACTIVE = "echo $CONDA_DEFAULT_ENV ${PATH%%:*}"


@pytest.mark.parametrize(
    "file",
    [
        ACTIVATION,
        f"echo hello; seq 100000\n{ACTIVATION}cat\n",
        f"{ACTIVATION}exit 3\n",
        f"{ACTIVATION}set -eu\nfalse\necho $nothing\n",
        f"{ACTIVATION}declare -r TMOUT=1 PATH\n",
        f"{ACTIVATION}set -T; trap 'echo step' DEBUG; trap 'echo gone' EXIT\n",
        f"{ACTIVATION}sleep 500 &\n",
        f"{UBUNTU}{ACTIVATION}",
        f'[ -z "$PS1" ] && return\n{ACTIVATION}',
        f"{ACTIVATION}if true; then\n",
        f"cd /tmp; exec 2>/dev/null\n{ACTIVATION}",
    ],
    ids=[
        "official", "prints", "exits", "fails", "read-only", "trap", "background", "Ubuntu",
        "PS1", "syntax", "folder",
    ],
)  # fmt: skip
def test_the_environment_is_there_in_every_shell(start: Start, file: str) -> None:
    place = start(file)
    right = "testbed /envs/testbed/bin\n"
    assert says(place, f"{ACTIVE}; pwd") == f"{right}/testbed\n"
    assert place.run_fresh(ACTIVE, timeout=TIMEOUT).output == right
    assert says(place, "conda activate other; " + ACTIVE) == "other /envs/other/bin\n"
    assert place.run("exit 5", timeout=TIMEOUT).ending == "shell_ended"
    assert says(place, ACTIVE) == right
    assert place.run("sleep 100", timeout=0.5).ending == "timeout"
    assert says(place, ACTIVE) == right
    place.restart_shell(cwd="/tmp")
    assert says(place, f"{ACTIVE}; false; pwd") == f"{right}/tmp\n"


def test_the_harness_sees_it_only_where_it_asks_to(start: Start) -> None:
    place = start(ACTIVATION + "git() { echo forged; }\n")
    assert place.run_fresh("git status", timeout=TIMEOUT).output == "forged\n"
    assert place.control("type -t git; echo $CONDA_DEFAULT_ENV", timeout=TIMEOUT).output == (
        "file\n\n"
    )


def test_variables_functions_aliases_options_and_mask_come_over(start: Start) -> None:
    file = (
        "export TEXT=$'a\\nb \"q\" $x `y`'; list=(1 '2 3'); declare -A map=([k]='v w')\n"
        "export LANG=; unset TERM; umask 027\n"
        "shopt -s nullglob expand_aliases; alias hi='echo hi'\n"
        "hello() { echo hello; }; export -f hello\n"
    )
    place = start(file)
    told = says(
        place,
        'hi\nbash -c \'hello; echo "$TEXT"\'; echo "${list[1]} ${map[k]} ${TERM-none}"; umask',
    )
    assert told == 'hi\nhello\na\nb "q" $x `y`\n2 3 v w none\n0027\n'
    told = says(place, "echo /no/such/*; echo $?; set -o | grep -E 'errexit|nounset'")
    assert told.split() == ["0", "errexit", "off", "nounset", "off"]


@pytest.mark.parametrize(
    ("end", "notice"),
    [
        ("exit 3", "ended the shell that read it (exit code 3)"),
        ("echo no such environment >&2; false", "its last words: no such environment"),
        ("kill -9 $BASHPID", "gave no environment"),
        ("exec true", "gave no environment"),
        ("sleep 100", "took more than 1 s"),
        ("echo fine", None),
        ("[ -e /no/such ] && . /no/such", None),
    ],
)
def test_what_goes_wrong_is_a_notice_said_once(
    start: Start, said: list[str], monkeypatch: pytest.MonkeyPatch, end: str, notice: str | None
) -> None:
    if "sleep" in end:
        monkeypatch.setattr(startup, "SECONDS", 1)
        monkeypatch.setattr(startup, "QUIET_SECONDS", 0.0)
    place = start(f"export BEFORE=set\n{end}\n")
    kept = notice is None or "gave no" not in notice
    for _ in range(2):
        assert says(place, "echo ${BEFORE-unset}") == ("set\n" if kept else "unset\n")
        place.restart_shell(cwd="/testbed")
    if "sleep" in end:
        assert said.pop(0) == "waiting for ~/.bashrc (or BASH_ENV) in the sandbox, for at most 1 s"
    assert len(said) == (notice is not None)
    assert notice is None or notice in said[0]


def test_a_file_that_turned_bad_leaves_what_the_shells_had(start: Start) -> None:
    place = start(ACTIVATION)
    assert says(place, ACTIVE).startswith("testbed")
    says(place, "echo 'exec sleep 0' > ~/.bashrc")
    place.restart_shell(cwd="/testbed")
    assert says(place, ACTIVE).startswith("testbed")
