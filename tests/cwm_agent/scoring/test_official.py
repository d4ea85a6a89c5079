"""`cwm-agent score` beside the official command line, on synthetic instances in a real image."""

from __future__ import annotations

import json
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from docker.errors import ImageNotFound

from envs.docker.engine import connect_engine
from envs.sandbox.owner import LABEL

from ...envs import registry
from ...envs.graded import BUGGY, HANGING, NAMES, Greetings, greetings_image
from ..hub import Hub, parquet, serving

pytestmark = [pytest.mark.docker, pytest.mark.timeout(900)]
ROOT = Path(__file__).parents[3]
DATASET, REVISION = "SWE-bench/SWE-bench_Verified", "1" * 40
PRIVATE = "somebody__private-1"
REPLIES = (
    "<tool: bash>\nsed -i '2s/.upper()//' greet.py\npython -m pytest -q tests\n</tool>",
    "<tool: bash>\ngit diff > /tmp/fix.patch\n</tool>",
    "<tool: submit>\n/tmp/fix.patch\n</tool>",
    "Names are no longer shouted.",
)


@dataclass(frozen=True, slots=True)
class Desk:
    """A folder with the rows and predictions: one right, one wrong."""

    folder: Path
    hanging: str

    def environment(self) -> dict[str, str]:
        path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
        return os.environ | {"PYTHONPATH": path}

    def containers(self) -> list[str]:
        """What grades the second instance now."""
        with closing(connect_engine()) as client:
            label = f"{LABEL}instance={NAMES['part']}"
            return [
                c.id
                for c in client.containers.list(all=True, sparse=True, filters={"label": label})
            ]

    def run(self, *command: str, **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", *command],
            cwd=self.folder, env=self.environment() | variables, capture_output=True, text=True,
        )  # fmt: skip

    def score(self, *arguments: str) -> tuple[int, dict[str, Any], str]:
        data = () if "--dataset" in arguments else ("--dataset", "rows.jsonl")
        done = self.run("cwm_agent", "score", "--json", *data, *arguments)
        assert done.stdout, done.stderr
        return done.returncode, json.loads(done.stdout), done.stderr

    def gradings(self) -> int:
        """How often the official grader has run for the predictions."""
        return len(list(self.folder.glob("preds-scores/logs/run_evaluation/*")))


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    folder = tmp_path_factory.mktemp("desk")
    greetings = Greetings(tmp_path_factory.mktemp("greetings"))
    with greetings_image(greetings, tmp_path_factory.mktemp("state")) as image:
        rows = [greetings.row(name, image) for name in NAMES]
        (folder / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        right = greetings.fix("greet")
        wrong = greetings.patch("greet.py", BUGGY.replace("'Bye '", "'Bye'"))
        predictions = [
            {"instance_id": name, "model_name_or_path": "m", "model_patch": patch}
            for name, patch in zip(NAMES.values(), (right, wrong), strict=True)
        ]
        (folder / "preds.jsonl").write_text("".join(json.dumps(p) + "\n" for p in predictions))
        yield Desk(folder, greetings.patch("greet.py", HANGING + BUGGY))


def test_each_test_comes_out_as_with_the_official_command_line(desk: Desk) -> None:
    sizes = ("--rounds", "1", "--workers", "1")
    arguments = ("preds.jsonl", "--dataset", "rows.jsonl", *sizes, "--json")
    done = desk.run("cwm_agent", "bench", "score", *arguments)
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout)
    counts = [figures[name] for name in ("n", "tests", "resolved", "per_test_equal", "different")]
    assert counts == [2, 6, 1, True, []]
    (ours,), (official,) = figures["seconds"], figures["official_seconds"]
    assert figures["ratio"] == pytest.approx(ours / official, abs=0.01)


def test_what_was_graded_is_not_graded_again(desk: Desk) -> None:
    desk.score("preds.jsonl", "--workers", "2")
    before = desk.gradings()
    code, report, said = desk.score("preds.jsonl")
    assert [line["outcome"] for line in report["lines"]] == ["resolved", "unresolved"]
    kept = report["lines"][1]["pass_to_pass"]
    assert kept == {"tests/test_part.py::test_short": False, "tests/test_part.py::test_types": True}
    assert (code, desk.gradings()) == (0, before)
    assert "2 patches have a score already" in said
    path = desk.folder / "preds-scores" / "scores.jsonl"
    path.write_text(path.read_text().splitlines(keepends=True)[0])
    assert desk.score("preds.jsonl")[1]["lines"][0]["outcome"] == report["lines"][0]["outcome"]
    assert desk.gradings() == before + 1


def test_a_score_holds_for_its_image(desk: Desk) -> None:
    """Gold fails, the image is mended, the same command is green."""
    row = json.loads((desk.folder / "rows.jsonl").read_text().splitlines()[0])
    name = f"cwm-agent-test/{secrets.token_hex(4)}:1"
    (desk.folder / "own.jsonl").write_text(json.dumps(row | {"image": name}) + "\n")
    gold = ("--control", "gold", "--dataset", "own.jsonl", "--out", "own")
    with closing(connect_engine()) as client:
        spoil = "rm -r /opt/miniconda3/envs/testbed/lib/python*/site-packages/pytest"
        broken = client.containers.create(row["image"], ["sh", "-c", spoil])
        try:
            broken.start()
            broken.wait()
            spoiled = broken.commit(name).id
            code, first, said = desk.score(*gold)
            assert (code, first["control_failed"]) == (3, [row["instance_id"]])
            begin, end = (said.index(text) for text in ("grading somebody__greet-1 #0 in", "1/1 "))
            assert begin < end
            client.images.get(row["image"]).tag(name)
            code, second, said = desk.score(*gold)
            assert (code, second["control_failed"]) == (0, []), said
            ids = [report["lines"][0]["image"] for report in (first, second)]
            assert ids[0] != ids[1] == client.images.get(name).id
            assert "1 patches are graded again" in desk.score(*gold, "--again")[2]
        finally:
            broken.remove(force=True)
            client.images.remove(name, force=True)
            with suppress(ImageNotFound):  # gone with its name, where that was never moved
                client.images.remove(spoiled, force=True)


def test_a_killed_worker_leaves_no_container_when_the_command_ends(desk: Desk) -> None:
    hanging = {"instance_id": NAMES["part"], "model_patch": desk.hanging}
    (desk.folder / "killed.jsonl").write_text(json.dumps(hanging) + "\n")
    arguments = ("score", "killed.jsonl", "--dataset", "rows.jsonl", "--tries", "1")
    process = subprocess.Popen(
        [sys.executable, "-m", "cwm_agent", *arguments], cwd=desk.folder, env=desk.environment()
    )
    wait_until(lambda: len(desk.containers()) == 1)
    with closing(connect_engine()) as client:
        (container,) = desk.containers()
        worker = int(client.containers.get(container).labels[f"{LABEL}pid"])
    os.kill(worker, signal.SIGKILL)
    assert process.wait(240) == 4
    wait_until(lambda: desk.containers() == [])


@pytest.mark.parametrize(
    "end", [signal.SIGKILL, pytest.param(signal.SIGINT, marks=pytest.mark.slow)]
)
def test_an_ended_scoring_leaves_no_container_and_goes_on(desk: Desk, end: signal.Signals) -> None:
    name = f"ended-{end.name}"
    hanging = {"instance_id": NAMES["part"], "model_name_or_path": "m", "model_patch": desk.hanging}
    lines = (desk.folder / "preds.jsonl").read_text().splitlines()
    (desk.folder / f"{name}.jsonl").write_text(f"{lines[0]}\n{json.dumps(hanging)}\n")
    scores = desk.folder / f"{name}-scores" / "scores.jsonl"
    arguments = ("score", "--dataset", "rows.jsonl", f"{name}.jsonl", "--timeout", "300")
    process = subprocess.Popen(
        [sys.executable, "-m", "cwm_agent", *arguments], cwd=desk.folder, env=desk.environment()
    )
    wait_until(lambda: scores.is_file() and len(desk.containers()) == 1)
    process.send_signal(end)
    assert process.wait(240) == (130 if end == signal.SIGINT else -signal.SIGKILL)
    wait_until(lambda: desk.containers() == [])
    assert len(scores.read_text().splitlines()) == 1
    _, report, said = desk.score(f"{name}.jsonl", "--timeout", "3")
    assert report["outcomes"] == {"resolved": 1, "timeout": 1}
    assert "1 patches have a score already" in said


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 240
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


@pytest.fixture
def hub(desk: Desk) -> Iterator[Hub]:
    """A data set of both instances and a third, whose image its registry keeps to itself."""
    rows = [json.loads(line) for line in (desk.folder / "rows.jsonl").read_text().splitlines()]
    with registry.serving() as images:
        images.refusals = [registry.PRIVATE] * 50
        private = rows[1] | {"instance_id": PRIVATE, "image": images.name("1")}
        files = {"data/test-00000-of-00001.parquet": parquet(private, *rows)}
        with serving(Hub({(DATASET, REVISION): files}, {DATASET: REVISION})) as made:
            yield made


def test_a_data_set_of_the_hub_from_run_to_report(desk: Desk, hub: Hub) -> None:
    recordings = desk.folder / "recordings"
    recordings.mkdir()
    nothing = ["<tool: bash>\nls\n</tool>"] * len(REPLIES)
    for name, replies in ((NAMES["greet"], REPLIES), (NAMES["part"], nothing), (PRIVATE, nothing)):
        (recordings / f"{name}.yaml").write_text(yaml.safe_dump({"replies": list(replies)}))
    places = {name: str(desk.folder / name) for name in ("HF_HOME", "XDG_CACHE_HOME")}
    places["HF_ENDPOINT"] = hub.address
    command = ("run", "swebench-verified", "--samples", "2", "--replay", "recordings")
    limit = ("--set", f"limits.turns={len(REPLIES)}")
    done = desk.run("cwm_agent", *command, *limit, "--name", "hub", "--json", **places)
    assert done.returncode == 4, done.stderr
    counts = json.loads(done.stdout.splitlines()[1])["status"]["counts"]
    assert (counts["unjudged"], counts["failed"]) == (4, 2), done.stderr
    assert "cwm-agent images build https://github.com/somebody/greet --commit" in done.stderr
    report = json.loads(desk.run("cwm_agent", "score", "hub", "--json", **places).stdout)
    assert (report["suite"], report["suite_size"]) == (f"{DATASET}@{REVISION}", 3)
    assert report["outcomes"] == {"resolved": 2, "empty": 2}
    assert report["pass_at"] == {"1": 0.5, "2": 0.5}
    reasons = [line["exit_reason"] for line in report["lines"]]
    assert reasons == ["submitted"] * 2 + ["turn_limit"] * 2
    folder = desk.folder / "runs" / "hub"
    assert len(list(folder.glob("scores/logs/run_evaluation/*"))) == 1  # equal patches
    for name in ("preds.jsonl", "preds.1.jsonl"):
        assert len((folder / name).read_text().splitlines()) == 2
    listed = json.loads(desk.run("cwm_agent", "ls", "--json").stdout)
    assert [row["verdict"] for row in listed if row["exit_reason"]] == [
        *["resolved"] * 2, *["unresolved"] * 2,
    ]  # fmt: skip


def test_controls(desk: Desk) -> None:
    """By one grader each: a second would import the official package for one patch."""
    code, gold, _ = desk.score("--control", "gold")
    assert (code, gold["outcomes"]) == (0, {"resolved": 2})
    assert [line["similarity"] for line in gold["lines"]] == [1.0, 1.0]
    code, noop, _ = desk.score("--control", "noop", "--no-network")
    assert (code, noop["outcomes"]) == (0, {"unresolved": 2})
