"""A submission to the SWE-bench leaderboard, made only when it keeps to the rules.

Source of the format and the rules: the page on submitting of swebench.com and
the check list of the repository SWE-bench/experiments, July 2025.
"""

from __future__ import annotations

import json
import re
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import yaml

from cwm_agent.errors import UsageError
from cwm_agent.scoring.leaderboard import Submission
from cwm_agent.scoring.predictions import write_predictions
from cwm_agent.scoring.readme import browsing, readme, result_files
from cwm_agent.scoring.trace import has_reply, write_trace
from results.reports.report import Line

SIZES = {"verified": 500, "bash-only": 500, "lite": 300, "test": 2294, "multilingual": 300}
"""How many instances the leaderboard's splits have."""
LOGS = ("eval.sh", "patch.diff", "report.json", "run_instance.log", "test_output.txt")
FEWER_LOGS = {"not_applied": ("patch.diff", "run_instance.log"), "timeout": LOGS[:2] + LOGS[3:]}
"""What the official grader leaves where it gave no report."""


def problems(submission: Submission) -> list[str]:
    """What breaks a rule of the leaderboard, each with its remedy; empty when it may be sent."""
    return [*_entry_problems(submission), *_score_problems(submission), *_file_problems(submission)]


def write_submission(submission: Submission, out: Path) -> Path:
    """Write `out/evaluation/<split>/<date>_<name>/`; raises UsageError with all problems."""
    if found := problems(submission):
        raise UsageError(
            "this is not a valid submission:\n" + "\n".join(f"- {text}" for text in found)
        )
    folder = out / "evaluation" / str(submission.split) / submission.entry.folder
    if folder.exists():
        raise UsageError(f"{folder} already exists; remove it or choose another --out")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".submission-", dir=folder.parent) as scratch:
        made = Path(scratch) / "made"
        _fill(submission, made)
        made.rename(folder)
    return folder


def metadata(submission: Submission) -> str:
    """`metadata.yaml`: the fields of the submission page, then those that newer entries have."""
    entry = submission.entry
    table = {
        "name": entry.name,
        "oss": entry.open_system,
        "site": entry.site,
        "verified": False,
        "info": {
            "name": entry.name,
            "site": entry.site,
            "report": entry.report,
            "authors": ", ".join(entry.authors),
        },
        "tags": {
            "checked": False,
            "model": list(entry.models or submission.report.models),
            "org": list(entry.organisations),
            "os_model": entry.open_model,
            "os_system": entry.open_system,
            "system": {"attempts": entry.attempts},
        },
    }
    text: str = yaml.safe_dump(table, sort_keys=False, allow_unicode=True)
    return text


def _entry_problems(submission: Submission) -> Iterator[str]:
    entry = submission.entry
    if not re.search(r"[A-Za-z0-9]", entry.name):
        yield "the entry needs a name: --name"
    for what, address in (("--site", entry.site), ("--report", entry.report)):
        if not re.fullmatch(r"https?://\S+", address):
            yield f"{what} must be a web address (a technical report is expected of every entry)"
    if not re.fullmatch(r"20\d\d(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])", entry.date):
        yield f"--date {entry.date!r} must be written as YYYYMMDD"
    if submission.split is None:
        yield "the data set does not tell the split: say --split verified, lite, test, ..."
    elif not re.fullmatch(r"[a-z-]+", submission.split):
        yield f"--split {submission.split!r} is not a split; use verified, lite, test, ..."
    elif submission.of_dataset and SIZES.get(submission.split) != SIZES[submission.of_dataset]:
        yield f"what was graded is the split {submission.of_dataset}, not {submission.split}"
    if browsing(submission) is None:
        yield (
            "the model's commands had a network, or nobody knows: say with --web-steps what kept "
            "the system from looking solutions up on the web"
        )


def _score_problems(submission: Submission) -> Iterator[str]:
    report = submission.report
    if not report.suite_key:
        yield "the run was not graded officially: cwm-agent score RUN --dataset NAME"
    if report.stripped:
        yield "what was scored is not what was predicted: score it again without --strip"
    predicted = {prediction.instance for prediction in submission.predictions}
    whole = max(report.suite_size, SIZES.get(submission.split or "", 0))
    if report.suite_size < whole:
        yield (
            f"{report.suite} has {report.suite_size} of the {whole} instances of the split "
            f"{submission.split}: score it on the whole data set"
        )
    if len(predicted) < whole:
        yield f"{len(predicted)} of {whole} instances have a prediction; all need one"
    if len(predicted) < len(submission.predictions):
        yield "an instance has several predictions; pass@k is not accepted: choose a --sample"
    lines = submission.lines()
    if missing := sorted(predicted - lines.keys()):
        yield f"{_some(missing)} was not scored: run cwm-agent score again"
    if failed := [name for name, line in lines.items() if line.outcome == "infrastructure"]:
        yield f"{_some(failed)} could not be graded: run cwm-agent score again"


def _file_problems(submission: Submission) -> Iterator[str]:
    patches = {found.instance: found.patch for found in submission.predictions}
    for name, line in submission.lines().items():
        folder = submission.scores / line.log
        if line.log and (missing := [f for f in _logs_of(line) if not (folder / f).is_file()]):
            yield f"{name}: {', '.join(missing)} is gone; remove its score and score again"
        elif line.log and (folder / "patch.diff").read_bytes() != _bytes(patches[name]):
            yield f"{name}: another patch was scored than is predicted; run cwm-agent score again"
        attempt = submission.attempts.get(name)
        if attempt is None or not has_reply(attempt):
            yield f"{name}: there is no reasoning trace, which every instance needs"


def _logs_of(line: Line) -> tuple[str, ...]:
    return FEWER_LOGS.get(line.outcome, LOGS)


def _fill(submission: Submission, folder: Path) -> None:
    (folder / "trajs").mkdir(parents=True)
    (folder / "logs").mkdir()
    write_predictions(submission.predictions, folder)
    (folder / "metadata.yaml").write_text(metadata(submission), encoding="utf-8")
    (folder / "README.md").write_text(readme(submission), encoding="utf-8")
    (folder / "results").mkdir()
    for name, table in result_files(submission.lines().values()).items():
        (folder / "results" / name).write_text(json.dumps(table, indent=2) + "\n")
    for name, line in submission.lines().items():
        write_trace(submission.attempts[name], folder / "trajs" / f"{name}.txt")
        if line.log:
            target = folder / "logs" / name
            target.mkdir()
            for file in _logs_of(line):
                shutil.copyfile(submission.scores / line.log / file, target / file)


def _bytes(patch: str) -> bytes:
    """As the grader was given it: line ends and bytes that are no text included."""
    return patch.encode("utf-8", "surrogateescape")


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
