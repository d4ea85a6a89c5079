"""Grading with the official package: verdicts, time limits, and what a kill leaves."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from envs.docker.engine import connect_engine
from envs.repository.patches import strip_patch
from envs.sandbox.owner import LABEL
from envs.swebench.grader import Graded, GradeOptions, Grader
from envs.swebench.rows import Instance, read_instance

from ..graded import BUGGY, FORGING, HANGING, Greetings, greetings_image

if TYPE_CHECKING:
    from docker import DockerClient

pytestmark = [pytest.mark.docker, pytest.mark.timeout(600)]
LOGS = {"eval.sh", "patch.diff", "report.json", "run_instance.log", "test_output.txt"}
FILE = "tests/test_greet.py"


@dataclass(frozen=True, slots=True)
class Bench:
    greetings: Greetings
    instance: Instance
    client: DockerClient

    def containers(self) -> list[str]:
        """Ids of what grades this instance now."""
        label = f"{LABEL}instance={self.instance.id}"
        return [
            c.id
            for c in self.client.containers.list(all=True, sparse=True, filters={"label": label})
        ]

    def wait_until_gone(self) -> None:
        """A container that was told to end takes its time on a busy machine."""
        deadline = time.monotonic() + 60
        while self.containers():
            assert time.monotonic() < deadline
            time.sleep(0.1)

    def wait_for_container(self) -> None:
        deadline = time.monotonic() + 60
        while not self.containers():
            assert time.monotonic() < deadline
            time.sleep(0.1)


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    greetings = Greetings(tmp_path_factory.mktemp("greetings"))
    client = connect_engine()
    with greetings_image(greetings, tmp_path_factory.mktemp("state")) as image:
        yield Bench(greetings, read_instance(greetings.row("greet", image), "row"), client)
    client.close()


def grader(folder: Path, timeout: int = 120) -> Grader:
    return Grader(folder, GradeOptions(timeout, network=False))


def test_gold_is_resolved_and_the_repository_as_it_is_is_not(bench: Bench, tmp_path: Path) -> None:
    with grader(tmp_path) as official:
        gold = official.grade(bench.instance.row, bench.instance.gold, "some/model")
        noop = official.grade(bench.instance.row, "", apply=False)
    assert gold.outcome == "resolved"
    assert gold.verdict.fail_to_pass == {f"{FILE}::test_long": True}
    assert gold.verdict.pass_to_pass == {f"{FILE}::test_short": True, f"{FILE}::test_types": True}
    assert {path.name for path in (tmp_path / gold.log).iterdir()} == LOGS
    assert noop.outcome == "unresolved"
    assert noop.verdict.fail_to_pass == {f"{FILE}::test_long": False}
    assert set(noop.verdict.pass_to_pass.values()) == {True}
    bench.wait_until_gone()


def test_a_patch_that_does_not_apply_and_one_that_never_ends(bench: Bench, tmp_path: Path) -> None:
    foreign = bench.instance.gold.replace("greet.py", "nowhere.py")
    hanging = bench.greetings.patch("greet.py", HANGING + BUGGY)
    with grader(tmp_path, timeout=5) as official:
        applied = official.grade(bench.instance.row, foreign)
        endless = official.grade(bench.instance.row, hanging)
        undecodable = official.grade(bench.instance.row, bench.instance.gold + "\udcff")
    assert applied.outcome == "not_applied"
    assert applied.verdict.detail.startswith("the patch does not apply")
    assert applied.verdict.detail != "the patch does not apply"  # but says why
    assert applied.image == bench.client.images.get(bench.instance.image).id
    assert (endless.outcome, endless.verdict.detail) == (
        "timeout",
        "Test timed out after 5 seconds.",
    )
    assert (endless.failure, endless.environmental) == ("tests_timed_out", False)
    assert (undecodable.outcome, undecodable.log) == ("not_applied", "")
    bench.wait_until_gone()


def test_a_grading_without_end_is_ended_from_outside(bench: Bench, tmp_path: Path) -> None:
    """The limit of the tests begins with them and is kept by the grading process itself.

    This one begins earlier and is kept by ours, whatever the other waits for.
    """
    hanging = bench.greetings.patch("greet.py", HANGING + BUGGY)
    with Grader(tmp_path, GradeOptions(timeout=6, grace=0, network=False)) as official:
        graded = official.grade(bench.instance.row, hanging)
        assert graded.outcome == "infrastructure"
        assert graded.verdict.detail == "the grading took more than 6 s and was ended"
    bench.wait_until_gone()


def test_a_forged_result_counts_unless_it_is_stripped(bench: Bench, tmp_path: Path) -> None:
    """Why selection strips: the official grader takes a conftest.py for a repair."""
    forged = bench.greetings.patch("conftest.py", FORGING)
    with grader(tmp_path) as official:
        assert official.grade(bench.instance.row, forged).outcome == "resolved"
    assert strip_patch(forged, tests=True).patch == ""


def test_a_grader_that_is_closed_while_it_grades_leaves_nothing(
    bench: Bench, tmp_path: Path
) -> None:
    official = grader(tmp_path)
    found: list[Graded] = []
    hanging = bench.greetings.patch("greet.py", HANGING + BUGGY)
    thread = threading.Thread(
        target=lambda: found.append(official.grade(bench.instance.row, hanging))
    )
    thread.start()
    bench.wait_for_container()
    official.close()
    thread.join(60)
    assert [graded.outcome for graded in found] == ["infrastructure"]
    bench.wait_until_gone()


def test_a_killed_grader_is_no_verdict_and_leaves_no_container(
    bench: Bench, tmp_path: Path
) -> None:
    hanging = bench.greetings.patch("greet.py", HANGING + BUGGY)
    found: list[Graded] = []
    with grader(tmp_path) as official:
        thread = threading.Thread(
            target=lambda: found.append(official.grade(bench.instance.row, hanging))
        )
        thread.start()
        bench.wait_for_container()
        (orphan,) = bench.containers()
        owner = bench.client.containers.get(orphan).labels[f"{LABEL}pid"]
        os.kill(int(owner), signal.SIGKILL)
        thread.join(60)
        assert found[0].outcome == "infrastructure"
        assert "the grader ended (exit -9)" in found[0].verdict.detail
        bench.wait_until_gone()
        assert official.grade(bench.instance.row, bench.instance.gold).outcome == "resolved"
