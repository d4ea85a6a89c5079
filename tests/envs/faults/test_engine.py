"""An engine that takes containers away, restarts, hangs, or has no such image."""

from __future__ import annotations

import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from injection import RUN, SMALL, Places
from private_engine import PrivateEngine, small_image

from cwm_agent.attempt.interrupt import CancelToken
from cwm_agent.attempt.retries import with_retries
from envs.docker.engine import connect_engine
from envs.errors import SandboxError
from envs.failures import may_pass
from envs.registry import choose_kind

pytestmark = pytest.mark.docker


@pytest.fixture(scope="module")
def private(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrivateEngine]:
    """A second daemon, to be stopped and frozen; the tests' own is left alone."""
    if shutil.which("dockerd") is None:
        pytest.skip("there is no dockerd to start a second one of")
    engine = PrivateEngine(tmp_path_factory.mktemp("dockerd"))
    if not engine.start():
        pytest.skip(f"a second dockerd does not start here: {engine.log()}")
    yield engine
    engine.remove()


@pytest.mark.parametrize(
    ("action", "cause"),
    [
        ("kill", "container_gone"),
        ("rm --force", "container_gone"),
        # Waited for until the shell's answer is overdue.
        pytest.param("pause", "container_paused", marks=pytest.mark.slow),
    ],
)
def test_a_container_that_is_taken_away(containers: Places, action: str, cause: str) -> None:
    place = containers()
    name = place._container.id
    timer = threading.Timer(
        0.5, lambda: subprocess.run(["docker", *action.split(), name], capture_output=True)
    )
    timer.start()
    result = place.run("echo before; sleep 100", timeout=2.0)
    timer.join()
    assert (result.ending, result.output) == ("lost", "before\n")
    assert result.cause == cause
    assert may_pass(cause)  # type: ignore[arg-type]
    assert place.run("true", timeout=1.0).ending == "lost"
    with pytest.raises(SandboxError) as caught:
        place.read_file("/etc/passwd")
    assert caught.value.cause == cause
    place.close()
    assert containers().run("echo fresh", timeout=10).output == "fresh\n"


def test_a_restarted_daemon_loses_the_container_and_a_fresh_one_opens(
    private: PrivateEngine,
) -> None:
    places = Places("docker", small_image(private.client()), private.client())
    place = places()
    timer = threading.Timer(0.5, private.restart)
    timer.start()
    result = place.run("echo before; sleep 100", timeout=20.0)
    try:
        assert (result.ending, result.output) == ("lost", "before\n")
        assert result.cause in ("engine_unreachable", "container_gone")
        fresh = with_retries(places, 4, CancelToken(), lambda text: None)
    finally:
        timer.join()
    assert fresh.run("echo fresh", timeout=10).output == "fresh\n"
    places.close()
    left = private.client().containers.list(
        all=True, sparse=True, filters={"label": f"cwm-agent.run={RUN}"}
    )
    assert left == []


@pytest.mark.slow
def test_a_daemon_that_hangs_is_given_up_in_time(private: PrivateEngine) -> None:
    places = Places("docker", small_image(private.client()), private.client(timeout=3.0))
    place = places()
    private.freeze()
    try:
        began = time.monotonic()
        result = place.run("echo never", timeout=1.0)
        assert (result.ending, result.cause) == ("lost", "engine_unreachable")
        assert time.monotonic() - began < 60
    finally:
        private.thaw()
    places.close()


def test_a_socket_that_accepts_and_never_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "silent.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen(8)
        monkeypatch.setenv("DOCKER_HOST", f"unix://{path}")
        began = time.monotonic()
        with pytest.raises(SandboxError, match="no Docker engine answers") as caught:
            connect_engine(timeout=1.0)
        assert caught.value.cause == "engine_unreachable"
        assert time.monotonic() - began < 30
        if shutil.which("bwrap"):
            assert choose_kind("auto") == "bubblewrap"


def test_a_missing_image_is_nobodys_turn_to_retry(containers: Places) -> None:
    containers.image = "cwm-agent-test/none:1"
    with pytest.raises(SandboxError, match="docker pull cwm-agent-test/none:1") as caught:
        containers(SMALL)
    assert caught.value.cause == "image_missing"
    assert not may_pass(caught.value.cause)
