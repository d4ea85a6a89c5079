"""Suites of instances: data sets of the Hugging Face hub by pinned revision, and local files."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cwm_agent.config.paths import expand
from cwm_agent.errors import NotReadyError, UsageError
from cwm_agent.policies.choice import PolicyChoice
from cwm_agent.tasks.job import Job
from envs.images.keys import content_key
from envs.swebench.rows import Instance, read_instances
from results.json_rows import Row, rows_of_document, rows_of_lines

HUB = {
    "swebench-verified": "SWE-bench/SWE-bench_Verified",
    "swebench-lite": "SWE-bench/SWE-bench_Lite",
    "swebench": "SWE-bench/SWE-bench",
    "swebench-multilingual": "SWE-bench/SWE-bench_Multilingual",
}
"""Short names of the official data sets."""
FORMATS = (".json", ".jsonl", ".parquet")
_COMMIT = re.compile(r"[0-9a-f]{40}")
_HUB_ID = re.compile(r"(?P<name>[\w.-]+(/[\w.-]+)?)(@(?P<revision>[\w./-]+))?")


@dataclass(frozen=True, slots=True)
class Suite:
    """Instances in the order of the data set; `source` names it with its revision."""

    source: str
    instances: tuple[Instance, ...]

    @property
    def key(self) -> str:
        """The same for two suites exactly when all verdicts mean the same."""
        return content_key(sorted((instance.id, instance.key) for instance in self.instances))

    def by_id(self) -> dict[str, Instance]:
        """The instances by their ids."""
        return {instance.id: instance for instance in self.instances}


def is_data_set(name: str) -> bool:
    """Whether this is a short name of HUB or has the form of an id of the hub."""
    match = _HUB_ID.fullmatch(name)
    return match is not None and (match["name"] in HUB or "/" in match["name"])


def load_suite(name: str, *, split: str = "test", pins: Path | None = None) -> Suite:
    """The suite called `name`: a .json, .jsonl or .parquet file, or a data set of the hub.

    A data set is a short name (see HUB) or `owner/name`, with `@REVISION` if
    wanted. Without one the revision that was newest at the first use is taken,
    and kept in the file `pins`, so that later runs mean the same rows. With
    HF_HUB_OFFLINE=1 only the cache is read. Raises UsageError, NotReadyError
    or RowError.
    """
    if name.endswith(FORMATS):
        path = expand(name)
        rows = rows_of_file(path)
        values, places = [row.value for row in rows], [row.place for row in rows]
        return Suite(path.name, read_instances(values, path.name, places))
    match = _HUB_ID.fullmatch(name)
    if match is None or not is_data_set(name):
        raise UsageError(
            f"there is no suite {name!r}: give {', '.join(HUB)}, the id of a data set of the hub "
            f"(owner/name@revision), or a file that ends with {', '.join(FORMATS)}"
        )
    hub_id = HUB.get(match["name"], match["name"])
    revision = match["revision"] or pinned_revision(hub_id, pins or default_pins())
    source = f"{hub_id}@{revision}"
    return Suite(source, read_instances(rows_of_hub(hub_id, revision, split), source))


def job_of(instance: Instance, policy: PolicyChoice, sandbox: str) -> Job:
    """The instance as a job: in its own image, judged later by the official grader.

    `sandbox` is a kind that takes images.
    """
    task = instance.task()
    return Job(
        instance=task.instance,
        issue=task.issue,
        policy=policy,
        sandbox=sandbox,
        image=task.image,
        root=task.root,
        build=instance.build,
    )


def rows_of_file(path: Path) -> list[Row]:
    """The rows of a local file; raises UsageError."""
    try:
        if path.suffix == ".parquet":
            parquet = _rows_of_parquet(path)
            return [Row(value, f"row {number}") for number, value in enumerate(parquet, 1)]
        read = rows_of_lines if path.suffix == ".jsonl" else rows_of_document
        rows = read(path.read_bytes())
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror or error}") from error
    except ValueError as error:
        raise UsageError(f"{path} is not a valid {path.suffix[1:]} file: {error}") from error
    if rows is None:
        raise UsageError(f"{path} must hold a list of rows")
    for row in rows:
        if not isinstance(row.value, dict):
            raise UsageError(f"{path}, {row.place}: it must hold a list of rows")
    return rows


def _rows_of_parquet(path: Path) -> list[dict[str, Any]]:
    from datasets import Dataset

    if not path.is_file():
        raise FileNotFoundError(2, "No such file or directory")
    rows: list[dict[str, Any]] = Dataset.from_parquet(str(path), keep_in_memory=True).to_list()
    return rows


def rows_of_hub(hub_id: str, revision: str, split: str) -> Iterable[dict[str, Any]]:
    """The rows of a data set of the hub; raises NotReadyError.

    A commit's rows never change, so what is in the cache is read without a
    question to the hub. Without a network, `load_dataset` takes the revision
    that was cached last, whichever is wanted; that one is refused.
    """
    from datasets import load_dataset

    exact = _COMMIT.fullmatch(revision) is not None
    try:
        if exact and (known := _cached_rows(hub_id, revision, split)) is not None:
            return known
        loaded = load_dataset(hub_id, revision=revision, split=split)
    except Exception as error:  # its clients raise errors of their own, of many packages
        raise not_there(f"{hub_id}@{revision}", error) from error
    found = {Path(file["filename"]).parent.name for file in loaded.cache_files}
    if exact and found - {revision}:
        other = NotReadyError(f"only {', '.join(sorted(found))} is in the cache")
        raise not_there(f"{hub_id}@{revision}", other)
    rows: Iterable[dict[str, Any]] = loaded
    return rows


def _cached_rows(hub_id: str, commit: str, split: str) -> Iterable[dict[str, Any]] | None:
    """The rows of a commit that was loaded before, None where it is not in the cache."""
    from datasets.packaged_modules.cache.cache import Cache

    name = hub_id.rpartition("/")[2]
    cached = Cache(repo_id=hub_id, dataset_name=name, config_name="default", hash=commit)
    if not Path(cached.cache_dir).is_dir():
        return None
    rows: Iterable[dict[str, Any]] = cached.as_dataset(split=split)
    return rows


def default_pins() -> Path:
    """Where the revisions of first use are kept."""
    from platformdirs import user_cache_path

    return user_cache_path("cwm-agent") / "suites.json"


def pinned_revision(hub_id: str, pins: Path) -> str:
    """The revision taken at the first use of a data set, looked up and kept if this is it."""
    return kept(hub_id, pins, lambda: _newest_revision(hub_id))


def kept(name: str, pins: Path, first: Callable[[], str]) -> str:
    """What the file `pins` says of a name; `first` is asked, and kept, where it says nothing."""
    from filelock import FileLock

    pins.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(pins.with_suffix(".lock")):
        try:
            known: dict[str, str] = json.loads(pins.read_text())
        except FileNotFoundError:
            known = {}
        except ValueError as error:
            raise UsageError(f"{pins} is damaged ({error}); remove it") from error
        if name not in known:
            known[name] = first()
            pins.write_text(json.dumps(known, indent=2) + "\n")
        return known[name]


def _newest_revision(hub_id: str) -> str:
    """The hub's, or without it the one that this machine loaded last."""
    from huggingface_hub import HfApi

    try:
        return str(HfApi().dataset_info(hub_id, timeout=30).sha)
    except Exception as error:  # its clients raise errors of their own, of many packages
        if revision := _cached_revision(hub_id):
            return revision
        raise not_there(hub_id, error) from error


def _cached_revision(hub_id: str) -> str | None:
    """What the hub's cache knows as the data set's `main`."""
    from huggingface_hub.constants import HF_HUB_CACHE
    from huggingface_hub.file_download import repo_folder_name

    folder = repo_folder_name(repo_id=hub_id, repo_type="dataset")
    try:
        return (Path(HF_HUB_CACHE) / folder / "refs" / "main").read_text().strip()
    except OSError:
        return None


def not_there(source: str, error: Exception) -> NotReadyError:
    """The error for a data set that cannot be had."""
    said = (str(error).strip().splitlines() or [""])[0]
    reason = f"{type(error).__name__}: {said}" if said else type(error).__name__
    return NotReadyError(
        f"cannot get the data set {source} ({reason}); connect to the hub, unset HF_HUB_OFFLINE, "
        f"or give a local copy of it as a .json, .jsonl or .parquet file"
    )
