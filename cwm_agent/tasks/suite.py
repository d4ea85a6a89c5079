"""From the name of a suite to the jobs of a run.

A suite is a file of own tasks, a folder of Harbor tasks, or rows of SWE-bench: a data set of
the hub or a file. Rows are told from tasks by their key `instance_id`. Or it is one of those
of problems, by name, or a task that `solve` names with a prefix.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from cwm_agent.errors import UsageError
from cwm_agent.parsing import parse_json
from cwm_agent.tasks.datasets import FORMATS, HUB, is_data_set, load_suite
from cwm_agent.tasks.filters import Selection
from cwm_agent.tasks.harbor import is_suite, read_suite
from cwm_agent.tasks.inputs import EXAMPLE, GENERATED, Request
from cwm_agent.tasks.job import Job
from cwm_agent.tasks.problems.load import load_problems
from cwm_agent.tasks.problems.source import (
    ProblemSource,
    Rows,
    chosen_source,
    is_source,
    read_source,
)
from cwm_agent.tasks.problems.suites import SUITES, ProblemSuite
from cwm_agent.tasks.task_file import named_tasks, read_tasks, recording_in, request_of
from envs.harbor.task import HarborTask
from envs.images.access import by_image

YAML = (".yaml", ".yml")
_REMEDY = (
    f"a suite is {', '.join(HUB)}, {', '.join(SUITES)}, trace-prediction, "
    f"{GENERATED}SET/A..B, {EXAMPLE}NAME, a data set of the hub (owner/name@revision), "
    f"a file ({', '.join((*YAML, *FORMATS))}) or a folder of Harbor tasks (docs/batch.md)"
)


@dataclass(frozen=True, slots=True)
class Chosen:
    """What was chosen of a suite: what `solve` would be asked for, by instance.

    `dataset` names the rows that judge the patches afterwards, "" for own tasks. A suite of
    problems has a `protocol`. `notes` say what was left out of the suite.
    """

    suite: str
    requests: Mapping[str, Request]
    dataset: str = ""
    protocol: ProblemSuite | None = None
    notes: tuple[str, ...] = ()

    @property
    def recorded(self) -> bool:
        """Whether every task says itself what is answered."""
        return all(r.replay is not None or r.example is not None for r in self.requests.values())


def choose(
    suite: str, selection: Selection, replay: Path | None, rows: Rows | None = None
) -> Chosen:
    """The chosen instances of a suite; raises UsageError, NotReadyError or RowError.

    `replay` is a recording for every instance, or a folder with one of the name
    `<instance>.yaml` for each. `rows` are for the suites of problems alone.
    """
    rows = rows or Rows()
    if is_source(suite):
        return _problems(_source(suite, rows), selection, replay)
    if rows != Rows():
        raise UsageError(f"--dataset, --window, --from and --to are for {', '.join(SUITES)}")
    path = Path(suite)
    if path.is_dir():
        if not is_suite(suite):
            raise UsageError(
                f"the folder {suite} holds no task: a task is a folder with a task.toml "
                "(docs/harbor.md); a data set of the hub is meant by owner/name@main"
            )
        folder = read_suite(suite, selection)
        requests = {task.id: _of_folder(task, replay) for task in folder.tasks}
        return Chosen(suite, requests, notes=folder.left_out)
    if path.suffix in YAML or ((path.is_file() or path.suffix in FORMATS) and not _has_rows(path)):
        tasks = selection.of(read_tasks(path))
        return Chosen(suite, {task.id: request_of(task, path.parent, replay) for task in tasks})
    if suite.startswith((GENERATED, EXAMPLE)):
        tasks = selection.of(named_tasks(suite))
        return Chosen(suite, {task.id: request_of(task, Path(), replay) for task in tasks})
    if not suite.endswith(FORMATS) and not is_data_set(suite):
        raise UsageError(f"there is no suite {suite!r}; {_REMEDY}")
    found = load_suite(suite)
    requests = {
        instance.id: Request(
            instance=instance, replay=recording_in(replay, instance.id) if replay else None
        )
        for instance in selection.of(found.instances)
    }
    return Chosen(suite, requests, str(path.absolute()) if path.is_file() else found.source)


def _source(suite: str, rows: Rows) -> ProblemSource:
    if suite in SUITES:
        return chosen_source(suite, rows)
    if rows != Rows():
        raise UsageError(f"'{suite}' says its rows: leave out --dataset, --window, --from and --to")
    return read_source(suite)


def _problems(source: ProblemSource, selection: Selection, replay: Path | None) -> Chosen:
    found = load_problems(source)
    requests = {
        problem.id: Request(
            problem=problem, replay=recording_in(replay, problem.id) if replay else None
        )
        for problem in selection.of(found.problems)
    }
    return Chosen(source.suite.name, requests, str(found.source), source.suite)


def _of_folder(task: HarborTask, replay: Path | None) -> Request:
    return Request(harbor=task, replay=recording_in(replay, task.id) if replay else None)


def jobs_of(chosen: Chosen, plan: Callable[[Request], Job]) -> list[Job]:
    """The jobs, those with the same image or environment one after the other.

    `plan` checks what a task asks for and makes it a job (cwm_agent.tasks.planning.plan
    with settings). Raises UsageError naming the task at fault.
    """
    jobs = []
    for name, request in chosen.requests.items():
        try:
            job = plan(request)
        except UsageError as error:
            raise UsageError(f"{chosen.suite}, {name}: {error}") from error
        jobs.append(replace(job, instance=name))
    return [job for group in by_image(jobs, _environment) for job in group]


def _environment(job: Job) -> tuple[object, ...]:
    """Jobs with an equal one share an image or virtual environment."""
    return job.image, job.pip, job.apt, tuple(sorted(job.environment.items())), job.harbor


def _has_rows(path: Path) -> bool:
    """Whether a file holds rows of SWE-bench; what cannot be read is left to its reader."""
    if path.suffix == ".parquet":
        return True
    try:
        with path.open(encoding="utf-8") as file:
            first = next((line for line in file if line.strip()), "")
            text = first if path.suffix == ".jsonl" else first + file.read()
        document = parse_json(text)
    except (OSError, ValueError):
        return False
    if isinstance(document, dict) and path.suffix != ".jsonl":
        document = list(document.values())
    if isinstance(document, list):
        document = document[0] if document else None
    return isinstance(document, dict) and "instance_id" in document
