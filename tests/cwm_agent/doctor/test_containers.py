"""Checks of a container engine: the real one, and what other kinds of engine say of themselves."""

from __future__ import annotations

import socket
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from cwm_agent.doctor import containers
from cwm_agent.doctor.machine import inodes
from envs.docker.engine import connect_engine
from envs.images.recipes import base_image


@pytest.mark.docker
def test_an_engine_that_answers_says_how_it_is_set_up() -> None:
    checks = {check.name: check for check in containers.docker()}
    assert checks["docker"].status == "ok"
    assert checks["docker"].found.startswith(("Docker ", "Podman "))
    assert checks["docker processor"].found
    assert checks["docker rootless"].found.startswith(("no", "yes"))
    assert checks["docker cgroup"].found.startswith("cgroup v")
    assert checks["docker storage"].found.startswith("storage ")
    assert {"docker disk", "docker inodes"} <= checks.keys()


@pytest.mark.docker
def test_limits_are_looked_for_in_a_real_container() -> None:
    client = connect_engine()
    try:
        base_image(client)
        check = containers.limits(client, client.info())
    finally:
        client.close()
    assert check.status == "ok", check
    assert "seen in a container" in check.found


def test_no_engine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/no.sock")
    (check,) = containers.docker()
    assert check.status == "warn"
    assert "no Docker engine answers" in check.found
    assert "start it" in check.remedy


def test_an_engine_that_falls_silent_is_a_finding(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        monkeypatch.setenv("DOCKER_HOST", f"tcp://127.0.0.1:{server.getsockname()[1]}")
        monkeypatch.setattr(containers, "ENGINE_SECONDS", 0.5)
        threading.Thread(target=answer_twice, args=(server,), daemon=True).start()
        (check,) = containers.docker()
    assert check.status == "warn"
    assert "answered once and then no more" in check.found


def answer_twice(server: socket.socket) -> None:
    """Say version and hello, as an engine does, and nothing after that."""
    connection, _ = server.accept()
    with connection:
        for body in (b'{"ApiVersion": "1.41"}', b"OK"):
            connection.recv(65536)
            head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n"
            connection.sendall(head.encode() + body)
        connection.recv(65536)
        time.sleep(5)


@pytest.mark.parametrize(
    ("version", "name"),
    [
        ({"Components": [{"Name": "Engine"}], "Version": "20.10.24", "ApiVersion": "1.41"},
         "Docker 20.10.24, API 1.41"),
        ({"Components": [{"Name": "Podman Engine"}], "Version": "4.3.1", "ApiVersion": "1.41"},
         "Podman 4.3.1, API 1.41"),
        ({"Version": "17.06", "ApiVersion": "1.30"}, "Docker 17.06, API 1.30"),
    ],
)  # fmt: skip
def test_podman_is_told_from_docker(version: dict[str, Any], name: str) -> None:
    assert containers.engine_name(version) == name


@pytest.mark.parametrize(
    ("facts", "rootless", "cgroup"),
    [
        ({"SecurityOptions": ["name=seccomp"], "CgroupVersion": "2"}, "no", "ok"),
        ({"SecurityOptions": ["name=rootless"], "CgroupVersion": "2"}, "yes", "ok"),
        ({"SecurityOptions": ["name=rootless"], "CgroupVersion": "1"}, "yes", "warn"),
        ({"Rootless": True, "CgroupVersion": "1"}, "yes", "warn"),
        ({}, "no", "ok"),
    ],
)
def test_a_rootless_engine_needs_cgroup_2(
    facts: dict[str, Any], rootless: str, cgroup: str
) -> None:
    assert containers.rootless(facts).found.startswith(rootless)
    check = containers.cgroup(facts)
    assert (check.status, bool(check.remedy)) == (cgroup, cgroup == "warn")


@pytest.mark.parametrize(
    ("facts", "status"),
    [
        ({"Architecture": "x86_64"}, "ok"),
        ({"Architecture": "amd64"}, "ok"),
        ({"Architecture": "aarch64"}, "warn"),
        ({}, "warn"),
    ],
)
def test_a_processor_without_official_images_is_named(facts: dict[str, str], status: str) -> None:
    check = containers.processor(facts)
    assert check.status == status
    assert (status == "ok") == (check.remedy == "")


@pytest.mark.parametrize(
    ("driver", "status"), [("overlay2", "ok"), ("btrfs", "ok"), ("vfs", "warn")]
)
def test_slow_storage_is_named(driver: str, status: str) -> None:
    check = containers.storage({"Driver": driver})
    assert (check.status, driver in check.found) == (status, True)


def test_inodes_are_counted_where_the_folder_is_or_will_be(tmp_path: Path) -> None:
    check = inodes("docker inodes", tmp_path / "later")
    assert check.name == "docker inodes"
    assert str(tmp_path) in check.found
