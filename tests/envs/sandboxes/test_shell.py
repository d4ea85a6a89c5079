"""The shell contract, the same in every kind of sandbox: an answer in time, and a next command."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import pytest

from envs.sandbox.sandbox import Sandbox
from tools.workspace import CommandResult

TIMEOUT = 30.0


@pytest.fixture(autouse=True)
def next_command_works(place: Sandbox) -> Iterator[None]:
    """After every test here the same sandbox must still run commands, files and control."""
    place.restart_shell(cwd="/testbed")
    yield
    assert "next\n" in place.run("printf '%s\\n' next", timeout=TIMEOUT).output
    assert place.control("echo control", timeout=TIMEOUT).output == "control\n"
    place.write_file("/testbed/after", b"after")
    assert place.read_file("/testbed/after") == b"after"


def run(place: Sandbox, command: str, timeout: float = TIMEOUT) -> CommandResult:
    return place.run(command, timeout=timeout)


def ended(result: CommandResult) -> tuple[str, int | None]:
    return result.ending, result.exit_code


def test_variables_functions_and_folder_persist(place: Sandbox) -> None:
    run(place, "x='a  b'; f() { echo f \"$1\"; }; declare -A m=([k]=v); cd /usr; set -- p q")
    result = run(place, 'echo "$x ${m[k]} $2"; f 1; pwd')
    assert result.output == "a  b v q\nf 1\n/usr\n"
    assert result.cwd == place.cwd == "/usr"


def test_the_exit_code_is_told_and_kept_for_the_next_command(place: Sandbox) -> None:
    assert ended(run(place, "(exit 7)")) == ("exited", 7)
    assert run(place, "echo $?").output == "7\n"


def test_both_outputs_come_merged_in_order(place: Sandbox) -> None:
    assert run(place, "echo 1; echo 2 >&2; printf 3").output == "1\n2\n3"


@pytest.mark.parametrize("command", ["cat", "read x", "read -r -d '' x", "python3 -c 'input()'"])
def test_standard_input_is_empty(place: Sandbox, command: str) -> None:
    assert run(place, command).ending == "exited"


def test_pagers_editors_and_prompts_do_not_wait_for_a_person(place: Sandbox) -> None:
    run(place, "mkdir -p /tmp/talk && cd /tmp/talk && git init -q . && seq 500 >f && git add f")
    run(place, "git config user.email a@localhost; git config user.name a")
    for command in (
        "git commit",
        "git commit -qm Start && git --paginate log && git --paginate show",
        "git commit --amend",
        "git rebase -i --root",
        "more f",
        "python3 -c 'import getpass; getpass.getpass()'",
        "cat </dev/tty",
        "python3 -i -c 'print(1)'",
    ):
        assert run(place, command).ending == "exited", command
    assert run(place, "cd /testbed; rm -rf /tmp/talk").exit_code == 0


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("echo 'open", "unexpected EOF while looking for matching"),
        ("if then", "line 1: syntax error near unexpected token `then'"),
        ("echo a\nfor", "syntax error"),
        ("nosuchcommand", "bash: line 1: nosuchcommand: command not found"),
        ("true\nnosuchcommand", "bash: line 2: nosuchcommand: command not found"),
    ],
)
def test_mistakes_get_bashs_message_and_keep_the_shell(
    place: Sandbox, command: str, message: str
) -> None:
    run(place, "kept=yes")
    result = run(place, command)
    assert result.ending == "exited"
    assert result.exit_code != 0
    assert message in result.output
    assert run(place, "echo $kept").output == "yes\n"


def test_a_here_document_without_end_is_closed_by_the_end_of_the_command(place: Sandbox) -> None:
    result = run(place, "cat <<END\ntext")
    assert result.ending == "exited"
    assert "text\n" in result.output


@pytest.mark.parametrize(
    ("command", "code", "output"),
    [
        ("echo bye; exit 3", 3, "bye\n"),
        ("exec echo gone", 0, "gone\n"),
        ("set -e; echo a; false; echo b", 1, "a\n"),
        ("kill -9 $$", 137, ""),
        ("kill 0", 143, ""),
    ],
)
def test_a_command_that_ends_the_shell_gets_a_fresh_one(
    place: Sandbox, command: str, code: int, output: str
) -> None:
    run(place, "x=1; cd /usr")
    result = run(place, command)
    assert ended(result) == ("shell_ended", code)
    assert (result.output, result.cwd) == (output, "/testbed")
    assert run(place, 'echo "<$x>"').output == "<>\n"


@pytest.mark.parametrize(
    "command",
    [
        "set -u; set -x; set -v; set -f; set -C; set -a; set -o pipefail",
        "trap 'echo trapped' DEBUG ERR EXIT; trap '' TERM HUP INT QUIT",
        "alias echo=false builtin=false; shopt -s expand_aliases",
        "exec >/dev/null 2>&1",
        "exec 0<&- 1>&- 2>&-",
        'for n in {3..20} 100 200 250 251 252 255; do eval "exec $n>&-"; done',
        "exec 10>/testbed/lock 11<&10; flock 10",
        "PS4='+$(sleep 1)' PS1=x PROMPT_COMMAND='exit 1' IFS=0123456789 TMOUT=1",
        "echo() { :; }; printf() { :; }; cd() { :; }; read() { :; }; eval() { :; }; exec() { :; }",
        "unset PATH HOME PWD; PWD=/nowhere",
        "export LC_ALL=nonsense LANG=C; LC_CTYPE=xx",
        "mkdir -p /testbed/gone; cd /testbed/gone; rmdir /testbed/gone",
        "ulimit -n 12",
        "REPLY=1 _=2 OPTIND=9 SECONDS=0; readonly REPLY; set -o posix",
        "printf() { exit 9; }; trap 'printf' USR1",
    ],
)
def test_changes_to_the_shell_do_not_break_the_next_command(place: Sandbox, command: str) -> None:
    run(place, command)
    second = run(place, "\\command echo fine >&1")
    assert second.ending == "exited"
    assert "fine\n" in second.output or "echo()" in command
    run(place, "unset -f printf")  # so that the check after the test can use it


@pytest.mark.parametrize("command", ["builtin() { :; }", "set -n"])
def test_a_shell_that_was_broken_on_purpose_is_replaced(place: Sandbox, command: str) -> None:
    endings = {run(place, command, 0.5).ending, run(place, "echo $x", 0.5).ending}
    assert endings & {"timeout", "shell_ended"}
    assert run(place, "echo well").output == "well\n"


def test_output_that_looks_like_the_protocol_is_output(place: Sandbox) -> None:
    text = "start 0123456789abcdef0123456789abcdef / done 0 /etc ended 0 hello 1"
    assert run(place, f"printf '%s\\0%s\\0' '{text}' '{text}'").output == f"{text}\0{text}\0"
    forged = run(place, "printf '\\0hello 1\\0 0 done 5 /etc\\n\\0' >/proc/$PPID/fd/2; echo mine")
    assert ended(forged) == ("exited", 0)
    assert (forged.output, forged.cwd) == ("mine\n", "/testbed")


def test_a_command_finds_no_descriptor_of_the_protocol(place: Sandbox) -> None:
    result = run(place, "ls -l /proc/self/fd | grep -c pipe:; ls /proc/self/fd | tr '\\n' ' '")
    assert result.output.splitlines()[-1].strip() in {"0 1 2 3", "0 1 2"}


def test_invalid_utf8_is_replaced(place: Sandbox) -> None:
    assert run(place, "printf 'a\\xff\\xc3(b\\0c'").output == "a\ufffd\ufffd(b\0c"


def test_a_background_child_that_holds_the_output_does_not_block(place: Sandbox) -> None:
    result = run(place, "(while :; do echo tick; sleep 0.05; done) & echo started")
    assert ended(result) == ("exited", 0)
    assert "started\n" in result.output
    later = run(place, "sleep 0.3; kill $!; wait $! 2>/dev/null; echo stopped")
    assert "tick\n" in later.output
    assert later.output.endswith("stopped\n")


def test_a_background_flood_does_not_block(place: Sandbox) -> None:
    assert run(place, "yes & flood=$!").ending == "exited"
    assert run(place, "kill $flood; wait $flood 2>/dev/null; echo dry").output.endswith("dry\n")


@pytest.mark.parametrize(
    "command",
    [
        "sleep 100",
        "trap '' TERM; sleep 100",
        "(trap '' TERM HUP INT; while :; do sleep 1; done)",
        "setsid sleep 100",
        "setsid bash -c 'trap \"\" TERM; sleep 100'",
        "(setsid sleep 100 &) ; sleep 100",
        "while :; do sleep 0.05; done",
        "while :; do :; done",
        "f() { while :; do (sleep 1); done; }; f | cat",
        "cat <(sleep 100)",
        "sleep 100 & wait",
        "mkfifo /testbed/fifo 2>/dev/null; echo x >/testbed/fifo",
        "(trap '' TERM; setsid sleep 100 &); sleep 100",
    ],
)
def test_a_timeout_ends_the_command_and_keeps_the_partial_output(
    place: Sandbox, command: str
) -> None:
    run(place, "cd /usr")
    result = run(place, f"echo partial; {command}; echo never", 0.5)
    assert ended(result) == ("timeout", None)
    assert result.output.startswith("partial\n")
    assert "never" not in result.output
    assert result.cwd == "/usr"
    left = (
        "for f in /proc/[0-9]*/cmdline; do tr '\\0' ' ' <$f; echo; done 2>&1 | grep '^sleep [0-9]'"
    )
    assert place.control(left, timeout=TIMEOUT).output == ""


def test_a_timeout_keeps_variables_functions_options_and_earlier_processes(place: Sandbox) -> None:
    run(place, "cd /usr; x='1 2'; declare -a a=(p 'q r'); export E=e; f() { echo f; }; set -f")
    run(place, "sleep 77 & server=$!; exec 9>/testbed/nine")
    run(place, "sleep 0.1")
    during = run(place, "x='3  4'; while :; do sleep 0.05; done", 0.5)
    assert during.ending == "timeout"
    after = run(place, 'echo "$x|${a[1]}|$(printenv E)"; f; echo *; kill $server && echo nine >&9')
    assert after.output.splitlines() == ["3  4|q r|e", "f", "*"]
    assert place.read_file("/testbed/nine") == b"nine\n"


def test_many_timeouts_in_a_row(place: Sandbox) -> None:
    run(place, "n=0")
    for _ in range(3):
        assert run(place, "n=$((n + 1)); sleep 50", 0.3).ending == "timeout"
    assert run(place, "echo $n").output == "3\n"


def test_a_command_killed_with_its_keeper_gets_a_new_one(place: Sandbox) -> None:
    run(place, "kill -9 $PPID; sleep 0.5", 5.0)
    run(place, "true")
    assert run(place, "echo here").output == "here\n"


def test_a_long_command_arrives_whole(place: Sandbox) -> None:
    text = "".join(f"line {number} é\n" for number in range(20_000))
    result = run(place, f"cat <<'END' | md5sum; echo $?\n{text}END\n")
    assert result.output.startswith(hashlib.md5(text.encode()).hexdigest())


def test_control_is_apart_from_the_models_shell(place: Sandbox) -> None:
    run(place, "x=1; cd /usr; export X=2; git() { echo fake; }; export -f git; PATH=/nowhere")
    result = place.control('echo "<$x$X>"; pwd; type -t git; cd /; y=5', timeout=TIMEOUT)
    assert result.output == "<>\n/testbed\nfile\n"
    assert place.control('echo "<$y>"; pwd', timeout=TIMEOUT).output == "<>\n/testbed\n"
    assert place.cwd == "/usr"


def test_control_has_timeouts_and_exit_codes_too(place: Sandbox) -> None:
    assert ended(place.control("exit 4", timeout=TIMEOUT)) == ("exited", 4)
    late = place.control("echo some; sleep 100", timeout=0.5)
    assert (late.ending, late.output.splitlines()[0]) == ("timeout", "some")


def test_restart_gives_a_fresh_shell_and_keeps_processes(place: Sandbox) -> None:
    run(place, "x=1; sleep 55 & echo $! >/testbed/pid")
    place.restart_shell(cwd="/usr")
    result = run(place, 'pwd; echo "<$x>"; kill "$(cat /testbed/pid)" && echo alive')
    assert result.output == "/usr\n<>\nalive\n"
