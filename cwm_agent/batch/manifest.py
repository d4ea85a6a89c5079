"""What a run was made of, and whether going on with it means the same thing.

`batch.json` in the run folder names the suite and holds a digest of each task.
Together with the settings in `run.json` it says what a resumed run would
change. Settings that cannot change an answer do not count.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from cwm_agent.attempt.attempt import Rules
from cwm_agent.errors import UsageError
from cwm_agent.tasks.job import Job
from cwm_agent.tasks.suite import Chosen
from results.codec import encode
from results.files import read_record, write_record
from results.records import RunInfo
from results.store import Run

FILE = "batch.json"
INDIFFERENT = (
    "batch.", "cluster.", "cost.", "scaling.", "runs", "samples",
    "sampling.logprobs", "engine.kv_memory", "engine.typical_tokens",
    "engine.host_memory", "engine.speculation", "engine.cuda_graphs", "endpoint.urls",
    "endpoint.silence_seconds", "endpoint.retry_seconds",
)  # fmt: skip
"""Settings, or beginnings of them, that decide when and where, but not what is answered."""


@dataclass(frozen=True, slots=True)
class Change:
    """What the user accepted to be different from then on."""

    time: str
    differences: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class BatchRecord:
    """`batch.json`. `tasks` has a digest by instance, of all that were ever chosen.

    `dataset` is the data set with its revision, or the file of rows, that the
    instances are of; "" for own tasks.
    """

    suite: str
    samples: int
    tasks: dict[str, str] = field(default_factory=dict)
    changes: tuple[Change, ...] = ()
    dataset: str = ""

    @classmethod
    def of(cls, chosen: Chosen, samples: int, jobs: Sequence[Job]) -> BatchRecord:
        """What a command asks for."""
        return cls(chosen.suite, samples, _digests(jobs), dataset=chosen.dataset)


def dataset_of(run: Run) -> str:
    """The data set of a run's instances; "" for own tasks, and for a run of `solve`."""
    record = read_record(BatchRecord, run.folder / FILE)
    return record.dataset if record else ""


def begin(run: Run, wanted: BatchRecord) -> None:
    """Write the record of a new run."""
    write_record(run.folder / FILE, wanted)


def go_on(run: Run, wanted: BatchRecord, rules: Rules, *, accept: bool) -> tuple[str, ...]:
    """Check that nothing differs that matters, and note what is new; returns what was accepted.

    Raises UsageError with the differences unless `accept`, and for a run of
    another command.
    """
    record = read_record(BatchRecord, run.folder / FILE)
    if record is None and not any(run.attempts()):  # killed as it was made
        begin(run, wanted)
        return ()
    if record is None:
        raise UsageError(f"run {run.name} was not made by `cwm-agent run`; choose another --name")
    info, now = run.info(), rules.run_info()
    found = (*_changed_settings(info, now), *_changed_tasks(record, wanted))
    if found and not accept:
        listed = "".join(f"\n  {difference}" for difference in found)
        raise UsageError(
            f"run {run.name} was started with different settings or tasks:{listed}\n"
            "use the same ones, choose another --name, or continue with these by --accept-changes"
        )
    changes = record.changes
    if found:
        changes += (Change(datetime.now(UTC).isoformat(timespec="seconds"), found),)
        kept = replace(info, settings=now.settings, hashes=now.hashes, seeds=now.seeds)
        write_record(run.folder / "run.json", kept)
    merged = replace(
        wanted,
        samples=max(wanted.samples, record.samples),
        tasks=record.tasks | wanted.tasks,
        changes=changes,
        dataset=wanted.dataset or record.dataset,
    )
    write_record(run.folder / FILE, merged)
    return found


def _changed_settings(then: RunInfo, now: RunInfo) -> list[str]:
    keys = [key for key in {**then.settings, **now.settings} if not key.startswith(INDIFFERENT)]
    found = []
    for key in keys:
        old, new = (info.settings.get(key) for info in (then, now))
        before, after = (None if record is None else record.value for record in (old, new))
        if before != after:
            origin = f" ({new.origin})" if new else ""
            found.append(f"{key}: {json.dumps(before)} -> {json.dumps(after)}{origin}")
    for name in then.hashes.keys() & now.hashes.keys():
        if then.hashes[name] != now.hashes[name]:
            found.append(f"the contents of {name} changed")
    return found


def _changed_tasks(record: BatchRecord, wanted: BatchRecord) -> list[str]:
    changed = [
        name for name, digest in wanted.tasks.items() if record.tasks.get(name, digest) != digest
    ]
    if not changed:
        return []
    more = f" and {len(changed) - 3} more" if len(changed) > 3 else ""
    names = ", ".join(changed[:3]) + more
    return [f"{names}: issue, repository, tests, packages, model, recording or sandbox changed"]


def _digests(jobs: Sequence[Job]) -> dict[str, str]:
    return {
        job.instance: hashlib.sha256(json.dumps(encode(job), sort_keys=True).encode()).hexdigest()[
            :16
        ]
        for job in jobs
    }
