"""An image that names a user is not run as root."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from envs.docker.sandbox import DockerSandbox
from envs.images.recipes import base_image
from envs.sandbox.owner import boot_id
from envs.sandbox.sandbox import Owner, SandboxLimits

if TYPE_CHECKING:
    from docker import DockerClient

TAG = "cwm-agent-test/user:1"
MAKE = ["sh", "-c", "mkdir /testbed && chown 1234:1234 /testbed && chmod 700 /testbed"]


@pytest.mark.docker
def test_commands_and_files_belong_to_the_images_user(engine: DockerClient) -> None:
    container = engine.containers.create(base_image(engine), MAKE)
    try:
        container.start()
        assert container.wait()["StatusCode"] == 0
        container.commit("cwm-agent-test/user", "1", changes="USER 1234:1234")
    finally:
        container.remove(force=True)
    owner = Owner(f"escapes-{os.getpid()}", "user", 0, os.getpid(), boot_id())
    try:
        with DockerSandbox(TAG, limits=SandboxLimits(cpus=1.0), owner=owner) as place:
            assert place.run("id -u; id -g; pwd", timeout=30).output == "1234\n1234\n/testbed\n"
            place.write_file("note", b"mine")
            assert place.run("stat -c %u note", timeout=30).output == "1234\n"
            answer = place.run("cat /etc/shadow; touch /usr/x", timeout=30).output
            assert answer.count("Permission denied") == 2
            assert place.run("sleep 50", timeout=0.5).cause == "timeout"
    finally:
        engine.images.remove(TAG, force=True)
