"""The published session gives what the original's session gave to the same commands, in order."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from envs.issue.published import PublishedSession
from envs.sandbox.sandbox import Sandbox

# Measured with the original's session class (facebookresearch/cwm 7930e02, bash 5.2).
# None: it gave no output, only the reason for which the session was over.
CONVERSATION: list[tuple[str, str | None]] = [
    ("nope", "/bin/bash: line 15: nope: command not found\n"),
    ("echo $LINENO; nope2", "21\n/bin/bash: line 21: nope2: command not found\n"),
    ("false", ""),
    ("echo $?", "0\n"),
    (
        "for i in 1 2; do\n nope4\ndone",
        "/bin/bash: line 40: nope4: command not found\n" * 2,
    ),
    ("echo hi \\", "hi __EXIT_CODE__=0\n"),
    ("ls |", ""),
    ('read x; echo "x=$x"', "x=__EXIT_CODE__=$?\n"),
    ("seq 3 | while read l; do echo $l; done", "1\n2\n3\n"),
    ('printf "a\\xffb\\n"', "ab\n"),
    ("echo -n x", "x"),
    ("nope 'a\n\nb'", "/bin/bash: line 84: nope: command not found\n"),
    ("cat <<E\n$(nope7)\nE", "/bin/bash: line 90: nope7: command not found\n\n"),
    ("\n\necho spaced\n\n\n", "spaced\n"),
    ("# a comment", ""),
    ("echo $SHLVL $0; [ -p /dev/stdin ] && echo pipe", "1 /bin/bash\npipe\n"),
    ("export KEPT=7; alias k='echo kept'; shopt -s expand_aliases", ""),
    ("k $KEPT", "kept 7\n"),
    ('echo "<<exit>1 said"; echo more', "<<exit>1 said\nmore\n"),
]


@pytest.fixture
def session(place: Sandbox) -> Iterator[PublishedSession]:
    root = "/tmp/published root"
    place.control(f"mkdir -p '{root}'", timeout=30)
    place.restart_shell(cwd=root)
    session = PublishedSession(place, root)
    session.begin(root)
    yield session
    place.restart_shell(cwd="/")


def test_a_conversation_is_the_one_of_the_original(session: PublishedSession) -> None:
    said = []
    for command, _ in CONVERSATION:
        result = session.run(command, timeout=60)
        assert result.ending == "exited", command
        output = result.output if result.clean_output is None else result.clean_output
        said.append((command, output))
    assert said == CONVERSATION


@pytest.mark.parametrize(
    ("command", "ending"),
    [
        ("if then", "shell_ended"),
        ("echo one\n)\necho two", "shell_ended"),
        ("exit 3", "shell_ended"),
        ("set -e; false", "shell_ended"),
        ("echo ${x?bad}", "shell_ended"),
        ("kill -9 $$", "shell_ended"),
        ("kill 0", "shell_ended"),
        ("sleep 300 & exit", "shell_ended"),  # what it leaves running holds the pipe
        ('echo "abc', "timeout"),
        ("cat <<E\nabc", "timeout"),
        ("( echo sub", "timeout"),
        ("cat", "timeout"),
        ("head -1", "timeout"),
        ("exec >/dev/null; echo x", "timeout"),
    ],
)
def test_what_ends_the_session_of_the_original_ends_this_one(
    session: PublishedSession, command: str, ending: str
) -> None:
    session.run("cd /; export GONE=1", timeout=60)
    seconds = 1.5 if ending == "timeout" else 60
    assert session.run(command, timeout=seconds).ending == ending
    fresh = session.run('pwd; echo "[$GONE]"; nope', timeout=60)
    assert fresh.output == (
        "/tmp/published root\n[]\n/bin/bash: line 15: nope: command not found\n"
    )


def test_exit_codes_are_asked_for(session: PublishedSession) -> None:
    codes = [session.run(c, timeout=60).exit_code for c in ("true", "(exit 7)", "true")]
    assert codes == [0, 7, 0]


def test_endless_output_costs_the_session_at_once(
    session: PublishedSession,
) -> None:
    for flood in ("seq 100000", "cat /dev/zero", "yes"):
        assert session.run(flood, timeout=300).dropped_bytes > 0
    assert session.run("echo on", timeout=60).output == "on\n"


def test_a_command_that_runs_out_of_time_leaves_nothing_running(
    session: PublishedSession, place: Sandbox
) -> None:
    session.run("sleep 4001 >/dev/null 2>&1 &", timeout=60)
    place.control("sleep 3.5", timeout=60)  # so that it is older than the next command
    assert session.run("(sleep 4002) & sleep 4003", timeout=1.5).ending == "timeout"
    alive = place.control("cat /proc/[0-9]*/cmdline | tr '\\0' ' '; pkill sleep", timeout=30).output
    assert "4001" in alive
    assert "4002" not in alive
    assert "4003" not in alive


@pytest.mark.parametrize("bashrc", ["exit 3", "read x", "printf '<<exit>1 %s' x; false", "echo hi"])
def test_a_bashrc_costs_no_session(place: Sandbox, session: PublishedSession, bashrc: str) -> None:
    place.control(f"printf '%s\\n' {bashrc!r} 'export SEEN=1' >~/.bashrc", timeout=30)
    try:
        place.restart_shell(cwd="/")
        session.begin("/")
        assert session.run("pwd", timeout=60).output == "/\n"
        seen = session.run("echo $SEEN", timeout=60).output
        assert seen == ("\n" if bashrc in ("exit 3",) else "1\n")
    finally:
        place.control("rm ~/.bashrc", timeout=30)
