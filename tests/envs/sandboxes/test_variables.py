"""Variables of an image or of the user that steer every bash: they must not steer ours."""

from __future__ import annotations

import pytest

from envs.repository.repository import SandboxRepository
from envs.sandbox.sandbox import Owner

from .conftest import closed_sandbox

TIMEOUT = 60.0
KINDS = ["bubblewrap", pytest.param("docker", marks=pytest.mark.docker)]
HOSTILE = {
    "BASH_ENV": "$(kill -9 $$)",
    "SHELLOPTS": "noexec:errexit",
    "BASH_FUNC_read%%": "() { exit 7; }",
    "TMOUT": "1",
    "PS4": "$(exit 3)",
    "PROMPT_COMMAND": "exit 4",
    "CDPATH": "/usr",
    "GIT_DIR": "/tmp/nowhere",
    "GIT_INDEX_FILE": "/tmp/index",
    "GIT_TRACE": "1",
    "LD_PRELOAD": "/nowhere.so",
}


@pytest.mark.parametrize("kind", KINDS)
def test_no_variable_keeps_a_sandbox_from_working(
    request: pytest.FixtureRequest, owner: Owner, kind: str
) -> None:
    with closed_sandbox(request, kind, owner, HOSTILE) as place:
        done = place.run("cd /usr && cd lib && pwd; echo $-; false", timeout=TIMEOUT)
        assert (done.ending, done.exit_code) == ("exited", 1)
        assert done.output.startswith("/usr/lib\n")
        assert not set("pen") & set(done.output.split()[1])
        assert place.run("sleep 100", timeout=0.5).ending == "timeout"
        assert place.run_fresh("echo $GIT_DIR", timeout=TIMEOUT).output == "/tmp/nowhere\n"
        repository = SandboxRepository(place, "/testbed")
        repository.prepare()
        place.write_file("/testbed/new", b"new\n")
        assert "+new\n" in repository.snapshot().diff


@pytest.mark.parametrize("kind", KINDS)
def test_shells_begin_with_what_the_file_of_bash_env_sets(
    request: pytest.FixtureRequest, owner: Owner, kind: str
) -> None:
    """As a script's bash does, which is what runs the tests when they are graded."""
    variables = {"BASH_ENV": "~/.env-${LANG%%.*}", "LD_PRELOAD": "/nowhere.so"}
    with closed_sandbox(request, kind, owner, variables) as place:
        file = "echo noise; export TOOL=there; tool() { echo $TOOL; }; exit 3"
        place.control(f"echo '{file}' > ~/.env-C; echo 'SEEN=$TOOL' > ~/.bashrc", timeout=TIMEOUT)
        for _ in range(2):
            assert place.run("tool; echo ${SEEN-unread}", timeout=TIMEOUT).output == (
                "there\nunread\n"
            )
            place.restart_shell(cwd="/")
        place.control("sed -i 's/; exit 3//' ~/.env-C", timeout=TIMEOUT)
        place.restart_shell(cwd="/")
        assert place.run("tool; echo $SEEN", timeout=TIMEOUT).output == "there\nthere\n"
        assert place.run("bash -c tool", timeout=TIMEOUT).output.endswith("noise\nthere\n")


@pytest.mark.parametrize("kind", KINDS)
def test_exported_functions_outlive_a_time_limit(
    request: pytest.FixtureRequest, owner: Owner, kind: str
) -> None:
    with closed_sandbox(request, kind, owner) as place:
        place.run("hello() { echo hello; }; export -f hello; other() { :; }", timeout=TIMEOUT)
        assert place.run("sleep 100", timeout=0.5).ending == "timeout"
        done = place.run("hello; bash -c hello; bash -c other; type -t other", timeout=TIMEOUT)
        assert done.output.splitlines()[:2] == ["hello", "hello"]
        assert "not found" in done.output
        assert done.output.endswith("function\n")
