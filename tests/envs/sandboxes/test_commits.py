"""Containers kept as images: everything comes back, in one layer where there are many."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from docker.errors import ImageNotFound

from envs.cleanup import Orphan, find_orphans, sweep
from envs.docker.commits import SNAPSHOTS, ContainerCommits, branch_commit, remove_snapshot
from envs.docker.sandbox import DockerSandbox
from envs.errors import SandboxError
from envs.repository.repository import SandboxRepository
from envs.sandbox.owner import LABEL, boot_id, labels
from envs.sandbox.sandbox import Owner, Sandbox, SandboxLimits

if TYPE_CHECKING:
    from docker import DockerClient

pytestmark = pytest.mark.docker
LIMITS = SandboxLimits(memory_bytes=2**30, pids=200)
Make = Callable[[str], Sandbox]


@pytest.fixture
def make(owner: Owner) -> Make:
    return lambda image: DockerSandbox(
        image, limits=LIMITS, owner=owner, environment={"ODD": 'a "b" $HOME'}
    )


def tags(engine: DockerClient) -> set[str]:
    return {tag for image in engine.images.list(SNAPSHOTS) for tag in image.tags}


def output(sandbox: Sandbox, command: str) -> str:
    return sandbox.run(command, timeout=60).output


def test_everything_comes_back_also_what_git_does_not_see(
    engine: DockerClient, docker_image: str, make: Make, owner: Owner
) -> None:
    before = tags(engine)
    with ContainerCommits(engine) as commits:
        with make(docker_image) as sandbox:
            assert isinstance(sandbox, DockerSandbox)
            output(sandbox, "printf 'secret\\n' > .gitignore; echo 1 > kept")
            repository = SandboxRepository(sandbox, "/testbed")
            repository.prepare()
            output(
                sandbox, "mkdir deep; cd deep; echo 2 > ../secret; echo 3 > /opt/tool; echo 4 > new"
            )
            kept = commits.take(sandbox, repository, turn=7)
            output(sandbox, "rm /opt/tool new")
        assert (kept.flattened, kept.state.turn, kept.layers > 1) == (False, 7, True)
        with branch_commit(make, kept) as branched:
            seen = output(branched.sandbox, "pwd; cat ../secret /opt/tool new; echo $ODD; env")
            assert seen.startswith('/testbed/deep\n2\n3\n4\na "b" $HOME\n')
            assert "PATH=/usr/local/sbin" in seen
            assert branched.repository.snapshot().diff == kept.state.diff
            assert "deep/new" in kept.state.diff
            container = engine.containers.get(output(branched.sandbox, "hostname").strip())
            assert labels(owner).items() <= container.labels.items()
    assert tags(engine) == before


def test_commits_on_each_other_stay_below_the_limit_and_keep_everything(
    engine: DockerClient, docker_image: str, make: Make, owner: Owner
) -> None:
    with ContainerCommits(engine, most_layers=2) as commits:
        layers, image = [], docker_image
        for turn in range(1, 4):
            with make(image) as sandbox:
                assert isinstance(sandbox, DockerSandbox)
                repository = SandboxRepository(sandbox, "/testbed")
                if turn == 1:
                    output(sandbox, "printf 'secret\\n' > .gitignore; echo 0 > secret")
                    repository.prepare()
                    start = repository.start_tree
                else:
                    repository.reopen(start)
                output(sandbox, f"echo {turn} > file{turn}")
                commit = commits.take(sandbox, repository, turn)
                layers.append(commit.layers)
                image = commit.image
        assert layers == [2, 1, 2]  # the second was flattened
        with branch_commit(make, commit) as branched:
            seen = output(branched.sandbox, "pwd; cat secret file*; echo $ODD; env; hostname")
            assert seen.startswith('/testbed\n0\n1\n2\n3\na "b" $HOME\n')
            assert "PATH=/usr/local/sbin" in seen
            container = engine.containers.get(seen.split()[-1])
            assert labels(owner).items() <= container.labels.items()


def test_a_repository_that_is_not_the_committed_one_is_refused(
    engine: DockerClient, docker_image: str, make: Make
) -> None:
    with ContainerCommits(engine) as commits:
        with make(docker_image) as sandbox:
            assert isinstance(sandbox, DockerSandbox)
            repository = SandboxRepository(sandbox, "/testbed")
            repository.prepare()
            kept = commits.take(sandbox, repository, turn=1)
            with pytest.raises(SandboxError, match="git failed"):
                repository.reopen("0" * 40)

        def meddle(image: str) -> Sandbox:
            sandbox = make(image)
            sandbox.open()
            output(sandbox, "echo > other")
            return sandbox

        with pytest.raises(SandboxError, match="came out as tree"):
            branch_commit(meddle, kept)


def test_the_sweep_removes_the_snapshots_of_a_killed_owner_only(
    engine: DockerClient, docker_image: str, make: Make
) -> None:
    dead = Owner("run", "task", 0, pid=2**22 + 1, boot_id=boot_id())  # above the highest pid
    with ContainerCommits(engine) as commits, make(docker_image) as sandbox:
        assert isinstance(sandbox, DockerSandbox)
        repository = SandboxRepository(sandbox, "/testbed")
        repository.prepare()
        kept = commits.take(sandbox, repository, turn=1)
        orphan = f"{SNAPSHOTS}:orphan"
        container = engine.containers.get(sandbox.container_id)
        changes = [f'LABEL "{name}"="{value}"' for name, value in labels(dead).items()]
        made = container.commit(SNAPSHOTS, "orphan", changes=changes)
        try:
            assert made.labels[f"{LABEL}pid"] == str(dead.pid)
            assert kept.image.rpartition(":")[2] not in names(find_orphans(engine))
            sweep(engine)  # or another process's, at the same time
            assert engine.images.get(kept.image)
            with pytest.raises(ImageNotFound):
                engine.images.get(orphan)
        finally:
            remove_snapshot(engine, orphan)


def names(orphans: list[Orphan]) -> set[str]:
    """Tags of images among orphans; Podman puts a registry before the repository."""
    return {orphan.name.rpartition(":")[2] for orphan in orphans if orphan.kind == "image"}
