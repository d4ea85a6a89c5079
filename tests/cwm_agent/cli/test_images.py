"""`cwm-agent images` as a user meets it, with a registry of the test's own."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cwm_agent.commands.images import duration, recipe_of, size
from cwm_agent.errors import UsageError

from ...envs.registry import PRIVATE, Registry, serving

ROOT = Path(__file__).parents[3]
Images = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def images(tmp_path: Path) -> Images:
    """Runs `cwm-agent images` with a record of images that is the test's own."""

    def run(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "cwm_agent", "images", *arguments],
            cwd=ROOT, capture_output=True, text=True, timeout=240,
            env=os.environ | {"XDG_STATE_HOME": str(tmp_path / "state")} | variables,
        )  # fmt: skip

    return run


@pytest.fixture
def registry() -> Iterator[Registry]:
    import docker

    with serving() as registry:
        registry.image(secrets.token_hex(8))
        yield registry
        client = docker.from_env()
        for image in client.images.list(registry.name("1").rpartition(":")[0]):
            for tag in image.tags:
                client.images.remove(tag)
        client.close()


@pytest.mark.parametrize("command", ["ls", "pull", "build", "prune"])
def test_help_shows_an_example(images: Images, command: str) -> None:
    done = images(command, "--help")
    assert done.returncode == 0
    assert f"images {command}" in done.stdout.partition("Example:")[2]


@pytest.mark.parametrize(
    ("arguments", "remedy"),
    [
        (["prune"], "say what to remove"),
        (["prune", "--all", "--min-free", "1GB"], "say what to remove"),
        (["prune", "--min-free", "much"], "20GB"),
        (["prune", "--unused-for", "long"], "12h"),
        (["pull", "a", "--min-free", "much"], "min_free"),
        (["build", ".", "--env", "NAME"], "NAME=VALUE"),
    ],
)
def test_nonsense_exits_with_2_and_says_what_to_give(
    images: Images, arguments: list[str], remedy: str
) -> None:
    done = images(*arguments)
    assert done.returncode == 2, done.stderr
    assert remedy in done.stderr
    assert "Traceback" not in done.stderr


def test_without_an_engine_it_exits_with_4(images: Images) -> None:
    done = images("ls", DOCKER_HOST="unix:///nonexistent.sock")
    assert done.returncode == 4
    assert "no Docker engine answers" in done.stderr


def test_sizes_times_and_variables() -> None:
    assert size("1.5GB") == 1_500_000_000
    assert (duration("90m"), duration("7d")) == (5400.0, 604_800.0)
    assert recipe_of([], [], ["A=b=c"]).environment == (("A", "b=c"),)
    for wrong in ("7", "7w", "-1d"):
        with pytest.raises(UsageError):
            duration(wrong)


@pytest.mark.docker
def test_pulling_goes_on_after_a_failure_and_lists_what_it_brought(
    images: Images, registry: Registry
) -> None:
    names = [registry.name("missing"), registry.name("1"), registry.name("1")]
    done = images("pull", *names, "--json")
    assert done.returncode == 4
    outcomes = json.loads(done.stdout)
    assert [(item["name"], item["pulled"], item["reason"]) for item in outcomes] == [
        (names[0], False, "not_found"),
        (names[1], True, ""),
    ]
    assert "images build" in done.stderr
    listed = {item["name"]: item for item in json.loads(images("ls", "--json").stdout)}
    assert listed[names[1]]["origin"] == "pulled"
    assert names[1] in images("ls").stdout
    again = images("pull", names[1])
    assert (again.returncode, again.stdout) == (0, names[1] + "\n")


@pytest.mark.docker
def test_a_login_that_is_missing(images: Images, registry: Registry) -> None:
    registry.refusals = [PRIVATE] * 9
    done = images("pull", registry.name("1"))
    assert done.returncode == 4
    assert "docker login" in done.stderr


@pytest.mark.docker
def test_nothing_old_enough_means_nothing_goes(images: Images) -> None:
    done = images("prune", "--unused-for", "36500d", "--json")
    assert (done.returncode, json.loads(done.stdout)) == (0, [])


@pytest.mark.docker
def test_what_would_go_is_only_said(images: Images, registry: Registry) -> None:
    name = registry.name("1")
    images("pull", name)
    done = images("prune", "--all", "--dry-run", "--json")
    assert name in [item["name"] for item in json.loads(done.stdout)]
    assert "would go" not in done.stdout
    assert name in images("ls").stdout


@pytest.mark.docker
def test_a_build_that_makes_no_sense(images: Images, tmp_path: Path) -> None:
    inexact = images("build", str(ROOT), "--pip", "pytest")
    assert inexact.returncode == 2
    assert "NAME==VERSION" in inexact.stderr
    nowhere = images("build", str(tmp_path), "--commit", "none")
    assert nowhere.returncode == 4
    assert "git repository" in nowhere.stderr
