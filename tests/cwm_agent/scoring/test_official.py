"""`cwm-agent score` beside the official command line, on synthetic instances in a real image."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from cwm_agent.config import resolve
from cwm_agent.job import PolicyChoice
from cwm_agent.progress import Progress
from cwm_agent.solve import start
from cwm_agent.suites import job_of, load_suite
from envs.docker import connect_engine
from envs.owner import LABEL
from results.store import Store

from ...envs.graded import BUGGY, HANGING, NAMES, Greetings, greetings_image

pytestmark = [pytest.mark.docker, pytest.mark.timeout(900)]
ROOT = Path(__file__).parents[3]
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
            return [c.id for c in client.containers.list(all=True, filters={"label": label})]

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", *command],
            cwd=self.folder, env=self.environment(), capture_output=True, text=True,
        )  # fmt: skip

    def score(self, *arguments: str) -> tuple[int, dict[str, Any], str]:
        done = self.run("cwm_agent", "score", "--dataset", "rows.jsonl", "--json", *arguments)
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


def official_tests(desk: Desk) -> dict[str, tuple[bool, dict[str, bool], dict[str, bool]]]:
    """Verdict and tests by instance, as the official command line leaves them."""
    done = desk.run(
        "swebench.harness.run_evaluation", "--dataset_name", "rows.jsonl", "--predictions_path",
        "preds.jsonl", "--run_id", "official", "--max_workers", "2",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = {}
    for path in desk.folder.glob("logs/run_evaluation/official/m/*/report.json"):
        ((instance, report),) = json.loads(path.read_text()).items()
        sides = [
            dict.fromkeys(side["success"], True) | dict.fromkeys(side["failure"], False)
            for side in map(report["tests_status"].get, ("FAIL_TO_PASS", "PASS_TO_PASS"))
        ]
        found[instance] = (report["resolved"], sides[0], sides[1])
    return found


def test_each_test_comes_out_as_with_the_official_command_line(desk: Desk) -> None:
    code, report, _ = desk.score("preds.jsonl", "--workers", "2")
    assert code == 0
    ours = {
        line["instance"]: (
            line["outcome"] == "resolved", line["fail_to_pass"], line["pass_to_pass"],
        )
        for line in report["lines"]
    }  # fmt: skip
    assert ours == official_tests(desk)
    assert [ours[name][0] for name in NAMES.values()] == [True, False]
    kept = ours[NAMES["part"]][2]
    assert kept == {"tests/test_part.py::test_short": False, "tests/test_part.py::test_types": True}
    assert (report["resolved"]["count"], report["resolved"]["n"]) == (1, 2)


def test_what_was_graded_is_not_graded_again(desk: Desk) -> None:
    desk.score("preds.jsonl")
    before = desk.gradings()
    code, report, said = desk.score("preds.jsonl")
    assert (code, desk.gradings()) == (0, before)
    assert "2 patches have a score already" in said
    path = desk.folder / "preds-scores" / "scores.jsonl"
    path.write_text(path.read_text().splitlines(keepends=True)[0])
    assert desk.score("preds.jsonl")[1]["lines"][0]["outcome"] == report["lines"][0]["outcome"]
    assert desk.gradings() == before + 1


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGKILL])
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
    assert process.wait(60) == (130 if end == signal.SIGINT else -signal.SIGKILL)
    wait_until(lambda: desk.containers() == [])
    assert len(scores.read_text().splitlines()) == 1
    _, report, said = desk.score(f"{name}.jsonl", "--timeout", "3")
    assert report["outcomes"] == {"resolved": 1, "timeout": 1}
    assert "1 patches have a score already" in said


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 90
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_an_attempt_in_the_rows_image_is_scored_from_its_run(desk: Desk) -> None:
    instance = load_suite(str(desk.folder / "rows.jsonl")).by_id()[NAMES["greet"]]
    recording = desk.folder / "conversation.yaml"
    recording.write_text(yaml.safe_dump({"replies": list(REPLIES)}))
    job = job_of(instance, PolicyChoice("replay", str(recording)))
    settings = resolve([])
    outcome = start(Store(desk.folder / "runs"), "solved", job, settings, Progress(sys.stderr))
    assert (outcome.result.exit_reason, outcome.result.resolved) == ("submitted", None)
    code, report, _ = desk.score("solved")
    assert (code, report["outcomes"]) == (0, {"resolved": 1})
    (line,) = report["lines"]
    assert (line["exit_reason"], line["turns"]) == ("submitted", len(REPLIES))
    assert list((desk.folder / "runs" / "solved" / "scores").glob("logs/run_evaluation/*"))


def test_controls(desk: Desk) -> None:
    code, gold, _ = desk.score("--control", "gold", "--workers", "2")
    assert (code, gold["outcomes"]) == (0, {"resolved": 2})
    assert [line["similarity"] for line in gold["lines"]] == [1.0, 1.0]
    code, noop, _ = desk.score("--control", "noop", "--workers", "2", "--no-network")
    assert (code, noop["outcomes"]) == (0, {"unresolved": 2})
