"""Root in a container deals with other users' files and processes, as it does when graded."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from envs.docker.sandbox import DockerSandbox
from envs.errors import SandboxError
from envs.failures import may_pass
from envs.repository.repository import SandboxRepository
from envs.repository.restore import fill
from envs.sandbox.sandbox import Owner, SandboxLimits
from envs.task import IssueTask

if TYPE_CHECKING:
    from docker import DockerClient

pytestmark = pytest.mark.docker
TAG = "cwm-agent-test/users:1"
MAKE = """set -e
useradd -u 1000 -m ada
mkdir /testbed; cd /testbed
git init -q; echo old > code; mkdir -m 700 closed; echo old > closed/code
git add -A; git -c user.name=a -c user.email=a@b commit -qm Start
cp -a . /roots
chown -R 1000:1000 .; chmod 700 .
"""
OTHERS = "cwm-agent-test/users:2"
WRONG = {
    "cwm-agent-test/users:3": ("USER nobody-here", "nobody-here.*correct USER"),
    "cwm-agent-test/users:4": ("ENV PATH=", "no bash in its PATH, which is ''.*--env PATH="),
}
"""Images whose own settings keep a container from starting, and what is said of them."""


@pytest.fixture(scope="module")
def place(engine: DockerClient, docker_image: str, owner: Owner) -> Iterator[DockerSandbox]:
    """The repository belongs to uid 1000, the image's user is root."""
    container = engine.containers.create(docker_image, ["bash", "-c", MAKE])
    try:
        container.start()
        assert container.wait()["StatusCode"] == 0, container.logs().decode()
        container.commit("cwm-agent-test/users", "1")
        container.commit("cwm-agent-test/users", "2", changes="USER 1234")
        for tag, (change, _) in WRONG.items():
            container.commit(*tag.split(":"), changes=change)
    finally:
        container.remove(force=True)
    try:
        with DockerSandbox(TAG, limits=SandboxLimits(cpus=1.0), owner=owner) as sandbox:
            yield sandbox
    finally:
        for tag in (TAG, OTHERS, *WRONG):
            engine.images.remove(tag, force=True)


def test_the_harness_and_the_model_work_in_anothers_repository(place: DockerSandbox) -> None:
    repository = SandboxRepository(place, "/testbed")
    fill(place, repository, IssueTask("i", "issue", image=TAG))
    place.write_file("closed/code", b"new\n")
    told = place.run("git status --short; git commit -qam New; stat -c %u closed/code", timeout=60)
    assert told.output == " M closed/code\n1000\n"
    diff = repository.snapshot().diff
    assert "closed/code" in diff
    assert "-old\n+new\n" in diff


def test_a_repository_that_is_not_the_images_users_is_refused_with_the_remedy(
    place: DockerSandbox, owner: Owner
) -> None:
    with DockerSandbox(OTHERS, limits=SandboxLimits(cpus=1.0), owner=owner) as other:
        for root in ("/testbed", "/roots"):
            with pytest.raises(SandboxError, match=rf"{root}.*make root the image's USER"):
                SandboxRepository(other, root).prepare()


@pytest.mark.usefixtures("place")
def test_an_image_whose_settings_are_wrong_is_named_and_not_tried_again(owner: Owner) -> None:
    for tag, (_, said) in WRONG.items():
        with pytest.raises(SandboxError, match=said) as refused:
            DockerSandbox(tag, limits=SandboxLimits(cpus=1.0), owner=owner).open()
        assert not may_pass(refused.value.cause)


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("touch a; chown 1000:1000 a; stat -c %u:%g a", "1000:1000"),
        ("su ada -c 'id -un'", "ada"),
        ("python3 -c 'import os; os.setgroups([]); os.setgid(9); os.setuid(9); print(os.getuid())'",
         "9"),
        ("touch s; chgrp 1000 s; chmod 2755 s; stat -c %a s", "2755"),
        ("su ada -c 'sleep 300' & sleep 1; pkill -u ada sleep; wait $!; echo $?", "143"),
        ("touch r; chmod 0 r; echo x > r; cat r", "x"),
    ],
    ids=["chown", "su", "setuid", "set-group-id", "kill", "override"],
)  # fmt: skip
def test_what_tests_do_with_users_works(place: DockerSandbox, command: str, said: str) -> None:
    answer = place.run(f"cd /tmp; {command}", timeout=60).output
    assert answer.strip().splitlines()[-1] == said
