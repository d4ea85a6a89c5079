"""Reads the problems of a suite, and makes sure that they are those of the first time."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from cwm_agent.errors import NotReadyError, UsageError
from cwm_agent.tasks.datasets import (
    FORMATS,
    default_pins,
    not_there,
    pinned_revision,
    rows_of_file,
    rows_of_hub,
)
from cwm_agent.tasks.problems.checksums import check, digest_of_file, digest_of_rows
from cwm_agent.tasks.problems.source import SAMPLE, ProblemSource, sample_file
from envs.contest.rows import read_contest_problems
from envs.images.keys import content_key
from envs.mathematics.rows import read_mathematics_problems
from envs.problem.problem import Problem


@dataclass(frozen=True, slots=True)
class ProblemSet:
    """Problems in the order of their rows; `source` names the revision."""

    source: ProblemSource
    problems: tuple[Problem, ...]

    @property
    def key(self) -> str:
        """The same for two sets exactly when all verdicts mean the same."""
        return content_key(sorted((problem.id, problem.key) for problem in self.problems))

    def by_id(self) -> dict[str, Problem]:
        """The problems by their ids."""
        return {problem.id: problem for problem in self.problems}


def load_problems(source: ProblemSource, *, pins: Path | None = None) -> ProblemSet:
    """The problems that a source means.

    A data set of the hub may have `@REVISION`; without one the revision of its
    first use is taken, as for other suites. The checksums of its rows at the
    first use of a revision are kept, too. Raises UsageError, NotReadyError or
    RowError; other rows under the same revision are NotReadyError.
    """
    suite, data, pins = source.suite, source.data, pins or default_pins()
    if data == SAMPLE:
        problems = _of_file(source, sample_file(suite))
    elif data.endswith(FORMATS):
        problems = _of_file(source, Path(data))
    else:
        hub_id, _, revision = data.partition("@")
        revision = revision or pinned_revision(hub_id, pins)
        source = replace(source, data=f"{hub_id}@{revision}")
        problems = _of_hub(source, hub_id, revision, pins)
    if not problems:
        cut = source.begin or source.end
        remedy = "; ask for other dates (--from, --to, --window)" if cut else ""
        raise UsageError(f"{source} has no problem{remedy}")
    ids = [problem.id for problem in problems]
    if twice := {name for name in ids if ids.count(name) > 1}:
        raise UsageError(f"{source}: the id '{min(twice)}' stands twice; give each problem its own")
    return ProblemSet(source, tuple(problems))


def _of_file(source: ProblemSource, path: Path) -> list[Problem]:
    suite = source.suite
    if suite.kind == "contest":
        if path.suffix != ".jsonl":
            raise UsageError(f"{path}: contest problems are read from a .jsonl file")
        try:
            return read_contest_problems(path, source.begin, source.end)
        except OSError as error:
            raise UsageError(f"cannot read {path}: {error.strerror or error}") from error
    rows = [row.value for row in rows_of_file(path)]
    return _within(source, read_mathematics_problems(rows, suite.kind, path.name))


def _of_hub(source: ProblemSource, hub_id: str, revision: str, pins: Path) -> list[Problem]:
    suite, name = source.suite, f"{hub_id}@{revision}"
    if suite.kind == "contest":
        problems = []
        for path in _files_of_hub(hub_id, revision, f"{suite.split}*.jsonl"):
            check(f"{name}/{path.name}", digest_of_file(path), pins)
            problems += read_contest_problems(path, source.begin, source.end)
        return problems
    rows = [dict(row) for row in rows_of_hub(hub_id, revision, suite.split)]
    check(f"{name}/{suite.split}", digest_of_rows(rows), pins)
    return _within(source, read_mathematics_problems(rows, suite.kind, name))


def _within(source: ProblemSource, problems: Iterable[Problem]) -> list[Problem]:
    """Those between the bounds; where there are bounds, one without a date is not."""
    begin, end = source.begin, source.end
    return [
        problem
        for problem in problems
        if (not begin or problem.date >= begin) and (not end or "" < problem.date < end)
    ]


def _files_of_hub(hub_id: str, revision: str, pattern: str) -> list[Path]:
    """The data set has a loading script, which `datasets` 4 and later do not run."""
    from huggingface_hub import snapshot_download

    try:
        folder = snapshot_download(
            hub_id, repo_type="dataset", revision=revision, allow_patterns=[pattern]
        )
    except Exception as error:  # its client raises errors of its own, of many packages
        raise not_there(f"{hub_id}@{revision}", error) from error
    if found := sorted(Path(folder).glob(pattern)):
        return found
    raise NotReadyError(f"{hub_id}@{revision} has no file {pattern}; name another revision")
