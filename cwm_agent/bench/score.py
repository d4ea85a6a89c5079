"""`cwm-agent score` beside the official command line, on the same predictions."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path

from cwm_agent.bench.pairs import Timed, lap, pair_ratio, time_in_turn
from cwm_agent.errors import NotReadyError, UsageError
from cwm_agent.tasks.datasets import load_suite
from cwm_agent.tasks.filters import Selection
from envs.progress import Say
from envs.swebench.outcome import judge
from results.files import write_atomically
from results.predictions import Prediction, read_predictions

RUN = "official"
ROWS, PREDICTIONS, LOG = "rows.jsonl", "preds.jsonl", "log.txt"

Tests = dict[str, tuple[bool, dict[str, bool], dict[str, bool]]]
"""Of each instance: whether it is resolved, and the tests to fix and to keep with their ends."""


@dataclass(frozen=True, slots=True)
class ScoreBench:
    """What is graded, `workers` patches at once, `rounds` times by each way."""

    predictions: Path
    dataset: str
    selection: Selection
    workers: int
    rounds: int


@dataclass(frozen=True, slots=True)
class ScoreFigures:
    """`ratio` is the median over rounds of our seconds over the official ones.

    `different` names the instances of which a verdict or a test came out otherwise in any round.
    """

    n: int
    tests: int
    resolved: int
    rounds: int
    workers: int
    swebench: str
    per_test_equal: bool
    different: tuple[str, ...]
    seconds: tuple[float, ...]
    official_seconds: tuple[float, ...]
    ratio: float

    def to_json(self) -> dict[str, object]:
        """Plain values."""
        return asdict(self)


def measure_score(bench: ScoreBench, progress: Say) -> ScoreFigures:
    """Grade all predictions by both command lines, in turn, each time in a new empty folder.

    Raises UsageError, and NotReadyError when something could not be graded.
    """
    rows, predictions = _chosen(bench)
    with tempfile.TemporaryDirectory(prefix="cwm-agent-bench-") as scratch:

        def fresh(way: str, number: int) -> Path:
            folder = Path(scratch) / f"{way}-{number}"
            folder.mkdir()
            _write_lines(folder / ROWS, rows)
            _write_lines(folder / PREDICTIONS, [found.row() for found in predictions])
            return folder

        timed = time_in_turn(
            {
                "cwm-agent": lambda n: lap(_ours, fresh("ours", n), bench.workers),
                "official": lambda n: lap(_official, fresh(RUN, n), bench.workers, predictions),
            },
            bench.rounds,
            progress,
            "score",
        )
    return _figures(bench, timed["cwm-agent"], timed["official"])


def score_lines(figures: ScoreFigures) -> list[str]:
    """The figures for a person."""
    same = "equal" if figures.per_test_equal else f"different in {', '.join(figures.different)}"
    pairs = zip(figures.seconds, figures.official_seconds, strict=True)
    return [
        f"{figures.n} predictions, {figures.resolved} resolved; {figures.tests} tests: {same}",
        *(f"cwm-agent {mine:.1f} s, swebench {other:.1f} s" for mine, other in pairs),
        f"ratio {figures.ratio:.2f} (swebench {figures.swebench}, {figures.workers} workers)",
    ]


def differing(ours: Sequence[Tests], official: Sequence[Tests]) -> tuple[str, ...]:
    """Instances that did not come out the same, in any round."""
    found = {
        instance
        for mine, other in zip(ours, official, strict=True)
        for instance in mine.keys() | other.keys()
        if mine.get(instance) != other.get(instance)
    }
    return tuple(sorted(found))


def _chosen(bench: ScoreBench) -> tuple[list[dict[str, object]], list[Prediction]]:
    """The rows of the chosen predictions, and these."""
    suite = load_suite(bench.dataset)
    chosen = {instance.id: instance for instance in bench.selection.of(suite.instances)}
    predictions = [p for p in read_predictions(bench.predictions) if p.instance in chosen]
    if not predictions:
        raise UsageError("none of the predictions is for a chosen instance of the data set")
    if any(prediction.sample for prediction in predictions):
        raise UsageError("the official command line takes one prediction for each instance")
    return [chosen[found.instance].whole_row() for found in predictions], predictions


def _ours(folder: Path, workers: int) -> Tests:
    done = _run(
        folder,
        *("cwm_agent", "score", PREDICTIONS, "--dataset", ROWS, "--out", "scored", "--json"),
        *("--workers", str(workers)),
    )
    lines = json.loads(done)["lines"]
    if lost := [line for line in lines if line["outcome"] == "infrastructure"]:
        raise NotReadyError(f"{lost[0]['instance']} could not be graded: {lost[0]['detail']}")
    return {
        line["instance"]: (
            line["outcome"] == "resolved",
            line["fail_to_pass"],
            line["pass_to_pass"],
        )
        for line in lines
    }


def _official(folder: Path, workers: int, predictions: Sequence[Prediction]) -> Tests:
    _run(
        folder,
        *("swebench.harness.run_evaluation", "--dataset_name", ROWS, "--run_id", RUN),
        *("--predictions_path", PREDICTIONS, "--max_workers", str(workers)),
    )
    found: Tests = {}
    for prediction in predictions:
        model = prediction.model.replace("/", "__")
        log = folder / "logs" / "run_evaluation" / RUN / model / prediction.instance
        report = log / "report.json"
        table = json.loads(report.read_text())[prediction.instance] if report.is_file() else None
        verdict = judge(table, log, "").verdict
        found[prediction.instance] = (verdict.resolved, verdict.fail_to_pass, verdict.pass_to_pass)
    return found


def _run(folder: Path, module: str, *arguments: str) -> str:
    """What a command printed, run in a folder; raises NotReadyError with the end of its log."""
    with (folder / LOG).open("wb") as log:
        done = subprocess.run(
            [sys.executable, "-P", "-m", module, *arguments],
            cwd=folder, stdout=subprocess.PIPE, stderr=log, check=False,
        )  # fmt: skip
    if done.returncode and not (module == "cwm_agent" and done.stdout):
        said = (folder / LOG).read_text(errors="replace").strip()
        raise NotReadyError(f"{module} ended with {done.returncode}: {said[-500:]}")
    return done.stdout.decode(errors="replace")


def _figures(bench: ScoreBench, ours: Timed[Tests], official: Timed[Tests]) -> ScoreFigures:
    first = ours.results[0]
    different = differing(ours.results, official.results)
    return ScoreFigures(
        n=len(first),
        tests=sum(len(fixed) + len(kept) for _, fixed, kept in first.values()),
        resolved=sum(resolved for resolved, _, _ in first.values()),
        rounds=bench.rounds,
        workers=bench.workers,
        swebench=metadata.version("swebench"),
        per_test_equal=not different,
        different=different,
        seconds=tuple(round(seconds, 2) for seconds in ours.seconds),
        official_seconds=tuple(round(seconds, 2) for seconds in official.seconds),
        ratio=round(pair_ratio(official.seconds, ours.seconds), 3),
    )


def _write_lines(path: Path, rows: Sequence[object]) -> None:
    write_atomically(path, "".join(json.dumps(row) + "\n" for row in rows).encode("ascii"))
