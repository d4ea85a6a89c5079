"""The workers: what is tried again, what is kept, and how they end. The grader follows a script."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from cwm_agent.scoring.candidates import UNKNOWN, Candidate, candidates
from cwm_agent.scoring.pool import Pool, PoolOptions
from envs.images.pull_errors import PullError
from envs.swebench.grader import Graded
from envs.swebench.rows import read_instances
from results.errors import RunFolderError
from results.predictions import Prediction
from results.records import Verdict
from results.scores import Score, ScoreBook, ScoreOutcome

from ...envs.swebench_rows import row

INSTANCES = {i.id: i for i in read_instances([row(f"a__x-{n}") for n in range(8)], "rows")}
WORK = candidates([Prediction(name, "patch", "m") for name in INSTANCES], INSTANCES)
QUICK = PoolOptions(workers=3, tries=3, first_wait=0.0, longest_wait=0.01)
Script = Callable[[str, int], ScoreOutcome]


@dataclass
class ScriptedGraders:
    """Makes graders that answer by instance and number of the try."""

    script: Script = lambda _instance, _number: "resolved"
    tries: Counter[str] = field(default_factory=Counter)
    closed: int = 0
    busy: int = 0
    most: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)
    ended: threading.Event = field(default_factory=threading.Event)

    def grade(
        self, row: Mapping[str, Any], patch: str, model: str = "", *, apply: bool = True
    ) -> Graded:
        name = str(row["instance_id"])
        with self.lock:
            self.tries[name] += 1
            number = self.tries[name]
            self.busy += 1
            self.most = max(self.most, self.busy)
        time.sleep(0.01)
        outcome = self.script(name, number)
        with self.lock:
            self.busy -= 1
        return Graded(
            outcome, Verdict(outcome == "resolved"), 1.0, f"log-{number}", image="sha256:1"
        )

    def close(self) -> None:
        self.closed += 1
        self.ended.set()


def run(
    graders: ScriptedGraders,
    folder: Path,
    *,
    have_image: Callable[[str], object] = lambda _name: False,
    seen: Callable[[Candidate, Score], None] = lambda _candidate, _score: None,
) -> ScoreBook:
    book = ScoreBook(folder)
    Pool(lambda: graders, have_image, book, QUICK, seen).run(WORK)
    return book


def scores(folder: Path) -> dict[str, Score]:
    found = [ScoreBook(folder).get(candidate.key, candidate.under) for candidate in WORK]
    return {score.instance: score for score in found if score}


def test_every_patch_is_graded_once_by_as_many_as_there_are_workers(tmp_path: Path) -> None:
    graders, seen = ScriptedGraders(), []
    run(graders, tmp_path, seen=lambda candidate, score: seen.append(score.instance))
    assert graders.tries == dict.fromkeys(INSTANCES, 1)
    assert sorted(seen) == sorted(INSTANCES)
    assert {score.outcome for score in scores(tmp_path).values()} == {"resolved"}
    assert (graders.most, graders.closed) == (3, 3)
    assert {s.under.image for s in scores(tmp_path).values() if s.under} == {"sha256:1"}


def test_only_what_the_infrastructure_spoils_is_tried_again(tmp_path: Path) -> None:
    def script(name: str, number: int) -> ScoreOutcome:
        if name == "a__x-1":
            return "infrastructure" if number < 3 else "resolved"
        return "infrastructure" if name == "a__x-2" else "timeout"

    graders = ScriptedGraders(script)
    run(graders, tmp_path)
    assert graders.tries == dict.fromkeys(INSTANCES, 1) | {"a__x-1": 3, "a__x-2": 3}
    found = scores(tmp_path)
    first = found["a__x-1"]
    assert (first.outcome, first.tries, first.seconds, first.log) == ("resolved", 3, 3.0, "log-3")
    assert (found["a__x-2"].outcome, found["a__x-2"].tries) == ("infrastructure", 3)
    assert ScoreBook(tmp_path).final(found["a__x-2"].key, UNKNOWN) is None


def test_an_image_that_cannot_be_had_is_no_verdict(tmp_path: Path) -> None:
    asked: Counter[str] = Counter()

    def have_image(name: str) -> None:
        asked[name] += 1
        if "x-5" in name:
            raise PullError(name, "not_found", "no such tag")

    graders = ScriptedGraders()
    run(graders, tmp_path, have_image=have_image)
    assert graders.tries["a__x-5"] == 0
    assert set(asked.values()) == {1}
    found = scores(tmp_path)["a__x-5"]
    assert found.outcome == "infrastructure"
    assert "cannot be pulled (no such tag)" in found.verdict.detail
    assert f": {INSTANCES['a__x-5'].build}" in found.verdict.detail


@pytest.mark.parametrize("error", [RunFolderError("disk full"), KeyboardInterrupt()])
def test_what_ends_the_work_ends_the_graders_and_keeps_what_is_graded(
    tmp_path: Path, error: BaseException
) -> None:
    graders = ScriptedGraders()

    def script(name: str, number: int) -> ScoreOutcome:
        if name in ("a__x-0", "a__x-1"):
            return "resolved"
        graders.ended.wait(30)  # as a real grading, which only its grader's end cuts short
        return "infrastructure"

    graders.script = script

    def seen(candidate: Candidate, score: Score) -> None:
        if candidate.instance.id == "a__x-1":
            raise error

    began = time.monotonic()
    with pytest.raises(type(error)):
        run(graders, tmp_path, seen=seen)
    assert time.monotonic() - began < 60
    assert graders.closed == 3
    assert set(scores(tmp_path)) == {"a__x-0", "a__x-1"}
