"""Rows of a SWE-bench data set, as swebench 5 grades them, and the tasks made of them.

A row carries its own image, evaluation script and log parser; there are no
tables of repositories here. Hints and everything that the tests tell stay out
of the task.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from envs.errors import RowError
from envs.images.keys import content_key
from envs.swebench.neighbours import adopted
from envs.task import IssueTask

ROOT = "/testbed"
CLASSIC = (
    *("instance_id", "repo", "base_commit", "patch", "test_patch", "problem_statement"),
    *("version", "FAIL_TO_PASS", "PASS_TO_PASS"),
)
SINCE_5 = ("image", "eval_script", "log_parser", "eval_type")
"""What swebench 5 reads beside the classic fields; older revisions of the data sets lack it."""
NOT_GRADED = ("base_commit", "patch", "problem_statement")
REMEDY = (
    "take the revision `main` of August 2026 or later of a data set of the organisation SWE-bench "
    "(--dataset swebench-verified gets it)"
)


@dataclass(frozen=True, slots=True)
class Instance:
    """One row. `gold` is the reference patch; `row` is all that the grader needs, nothing more.

    `year` is that of the issue, "" where the row does not say.

    `key` changes with everything that a verdict depends on, the patch aside.
    """

    id: str
    repository: str
    issue: str
    image: str
    gold: str
    difficulty: str
    row: Mapping[str, Any]
    key: str
    commit: str
    year: str = ""

    @property
    def build(self) -> str:
        """The command that builds the image, as far as the row tells it."""
        return (
            f"cwm-agent images build https://github.com/{self.repository} "
            f"--commit {self.commit} --tag {self.image}"
        )

    def whole_row(self) -> dict[str, Any]:
        """The row with what no grading reads, for others who want it all."""
        unread = dict(zip(NOT_GRADED, (self.commit, self.gold, self.issue), strict=True))
        return {**self.row, **unread}

    def task(self) -> IssueTask:
        """The issue to solve in the row's image, with nothing of its tests or hints."""
        return IssueTask(self.id, self.issue, image=self.image, root=ROOT)


def read_instance(row: Mapping[str, Any], where: str) -> Instance:
    """Check one row, also of SWE-bench-Live and SWE-rebench (envs.swebench.neighbours).

    Raises RowError that says what it lacks and where to get a good one.
    """
    row = adopted(row, where)
    name = row.get("instance_id", "a row without instance_id")
    if missing := [field for field in CLASSIC if row.get(field) is None]:
        raise RowError(f"{where}: {name} lacks {', '.join(missing)}; it is not a SWE-bench row")
    if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9._-]*", str(name)):
        raise RowError(f"{where}: {name!r} is not a valid container name; rename the instance")
    if missing := [field for field in SINCE_5 if not row.get(field)]:
        raise RowError(
            f"{where}: {name} lacks {', '.join(missing)}, which swebench 5 grades with: "
            f"it is of an old revision; {REMEDY}"
        )
    graded = {field: row[field] for field in (*CLASSIC, *SINCE_5) if field not in NOT_GRADED}
    for field in ("FAIL_TO_PASS", "PASS_TO_PASS"):
        graded[field] = _tests(row[field], f"{where}: {name}: {field}")
    if assets := row.get("image_assets"):
        graded["image_assets"] = json.loads(assets) if isinstance(assets, str) else assets
    return Instance(
        id=row["instance_id"],
        repository=row["repo"],
        issue=row["problem_statement"],
        image=row["image"],
        gold=row["patch"],
        difficulty=row.get("difficulty") or "",
        row=graded,
        key=content_key(graded),
        commit=row["base_commit"],
        year=str(row.get("created_at") or "")[:4],
    )


def read_instances(
    rows: Iterable[Mapping[str, Any]], where: str, places: Sequence[str] = ()
) -> tuple[Instance, ...]:
    """All rows, in their order; raises RowError, also for an id that occurs twice.

    `places` say where in `where` each row is, such as `line 3`; without them rows are counted.
    """
    instances = tuple(
        read_instance(row, f"{where}, {places[number] if places else f'row {number + 1}'}")
        for number, row in enumerate(rows)
    )
    seen: set[str] = set()
    for instance in instances:
        if instance.id in seen:
            raise RowError(f"{where}: {instance.id} occurs twice; remove one of the two rows")
        seen.add(instance.id)
    return instances


def _tests(value: object, where: str) -> list[str]:
    """Names of tests: a list, or its JSON text as the public data sets have it."""
    try:
        names = json.loads(value) if isinstance(value, str) else value
    except ValueError as error:
        raise RowError(f"{where} is not a list of tests ({error})") from error
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise RowError(f"{where} is not a list of tests")
    return names
