"""Folders of the Harbor format: what is read of them, and which are refused with which reason."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from envs.docker.dockerfile import base_images
from envs.errors import HarborError
from envs.harbor.task import find_tasks, read_task
from envs.sandbox.sandbox import SandboxLimits

TASKS = Path(__file__).parent / "tasks"
OURS = SandboxLimits(memory_bytes=4 * 2**30, network=True)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A task that a test may change."""
    return Path(shutil.copytree(TASKS / "count-words", tmp_path / "count-words"))


def test_a_task_is_read_without_its_canary() -> None:
    task = read_task(TASKS / "count-words")
    assert task.id == "count-words"
    assert task.instruction.startswith("Write the three most frequent words")
    assert (task.difficulty, task.repository) == ("easy", "text")


def test_a_folder_of_tasks_is_a_suite_and_a_task_is_one_of_one() -> None:
    names = [path.name for path in find_tasks(TASKS)]
    assert len(names) >= 5
    assert find_tasks(TASKS / "lock-key") == [TASKS / "lock-key"]
    assert find_tasks(TASKS / "lock-key" / "tests") == []


@pytest.mark.parametrize(
    ("name", "memory", "cpus", "network"),
    [
        ("count-words", 512, 1.0, True),  # public, as our settings
        ("chosen-level", 1024, OURS.cpus, False),  # the older memory = "1G", allow_internet = false
        ("limits-seen", 320, 0.5, False),
        ("fix-total", 4096, OURS.cpus, False),  # names no limit: ours
    ],
)
def test_its_limits_go_before_ours(name: str, memory: int, cpus: float, network: bool) -> None:
    limits = read_task(TASKS / name).limits(OURS)
    assert limits.memory_bytes == memory * 2**20
    assert (limits.cpus, limits.network) == (cpus, network)


def test_no_task_gets_a_network_that_we_do_not_grant() -> None:
    assert not read_task(TASKS / "count-words").limits(SandboxLimits()).network


def test_an_allowlist_narrows_the_network(folder: Path) -> None:
    config = folder / "task.toml"
    config.write_text(
        config.read_text() + 'network_mode = "allowlist"\nallowed_hosts = ["example.org"]\n'
    )
    limits = read_task(folder).limits(OURS)
    assert not limits.network
    assert [host.name for host in limits.allowed_hosts] == ["example.org"]


def test_variables_come_from_the_host() -> None:
    task = read_task(TASKS / "chosen-level")
    own = task.config.environment.env
    assert task.variables(own, {}) == {"LEVEL": "ERROR", "GREETING": "none"}
    assert task.variables(own, {"CWM_AGENT_SAMPLE_GREETING": "hi"})["GREETING"] == "hi"
    with pytest.raises(HarborError, match="ABSENT"):
        task.variables({"A": "${ABSENT}"}, {})


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ('[[steps]]\nname = "one"\n', "several steps"),
        ('[verifier]\nenvironment_mode = "separate"\n', "environment of their own"),
        ('[environment]\nos = "Windows"\n', "windows"),
        ("[environment]\ngpus = 1\n", "GPUs"),
        ('[agent]\nuser = "agent"\n', "user"),
        ('[environment]\nmemory = "many"\n', "not a size"),
        ("[agent]\ntimeout_sec = -1\n", "timeout_sec"),
        ("[agent\n", "not valid TOML"),
        ('[environment]\nnetwork_mode = "some"\n', "network_mode"),
    ],
)
def test_what_cannot_be_run_as_meant_is_refused(folder: Path, more: str, said: str) -> None:
    (folder / "task.toml").write_text(more)
    with pytest.raises(HarborError, match=said):
        read_task(folder)


@pytest.mark.parametrize(
    ("gone", "said"),
    [
        ("instruction.md", "instruction.md"),
        ("tests/test.sh", "test.sh"),
        ("environment/Dockerfile", "Dockerfile"),
    ],
)
def test_a_part_that_lacks_is_named(folder: Path, gone: str, said: str) -> None:
    (folder / gone).unlink()
    with pytest.raises(HarborError, match=said):
        read_task(folder)


def test_the_key_is_of_what_decides_a_verdict(folder: Path) -> None:
    before = read_task(folder).key
    (folder / "README.md").write_text("for people\n")
    (folder / "solution" / "solve.sh").write_text("exit 1\n")
    assert read_task(folder).key == before
    (folder / "tests" / "test.sh").write_text("echo 1 > /logs/verifier/reward.txt\n")
    assert read_task(folder).key != before


def test_the_images_that_a_dockerfile_begins_from(tmp_path: Path) -> None:
    file = tmp_path / "Dockerfile"
    file.write_text(
        "# comment\nARG RELEASE=3.12\nFROM --platform=linux/amd64 python:${RELEASE} AS tools\n"
        'RUN echo "FROM nothing"\nFROM scratch AS empty\nfrom tools\nFROM ubuntu:24.04\n'
    )
    assert base_images(file) == ["python:3.12", "ubuntu:24.04"]
