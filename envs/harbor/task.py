"""A task folder: `task.toml`, `instruction.md`, `environment/`, `tests/`, `solution/`.

Source of the layout: `harbor.models.task.paths` and `harbor.models.task.task` of harbor 0.26.0.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from envs.errors import HarborError
from envs.harbor.config import Config, read_config
from envs.images.keys import content_key
from envs.sandbox.allowed_hosts import parse_hosts
from envs.sandbox.sandbox import SandboxLimits

TASK_FILE = "task.toml"
MIB = 2**20
_CANARY = re.compile(r"<!--.*canary.*-->|#.*canary.*", re.IGNORECASE)
_TEMPLATE = re.compile(r"\$\{([^}:]+)(?::-(.*))?\}")
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([KMG])B?", re.IGNORECASE)
_UNITS = {"K": 2**10, "M": 2**20, "G": 2**30}


@dataclass(frozen=True, slots=True)
class HarborTask:
    """One task. `key` changes with every file of the folder that counts."""

    folder: Path
    id: str
    instruction: str
    config: Config
    key: str

    @property
    def tests(self) -> Path:
        """What is copied to `/tests` when the agent is done."""
        return self.folder / "tests"

    @property
    def solution(self) -> Path:
        """What the oracle copies to `/solution`; it may be missing."""
        return self.folder / "solution"

    @property
    def context(self) -> Path | None:
        """The folder with the Dockerfile of the environment, None where there is none."""
        folder = self.folder / "environment"
        return folder if (folder / "Dockerfile").is_file() else None

    @property
    def repository(self) -> str:
        """What a selection by repository compares: the category of the metadata."""
        return str(self.config.metadata.get("category") or "")

    @property
    def difficulty(self) -> str:
        """As the metadata says it."""
        return str(self.config.metadata.get("difficulty") or "")

    def limits(self, ours: SandboxLimits) -> SandboxLimits:
        """The limits of a sandbox for it: the task's where it names one, else ours.

        Its network is an upper bound: a task that wants none gets none, one that wants
        some hosts gets no more, and none gets what our settings do not grant.
        """
        place = self.config.environment
        memory = place.memory_mb or _mebibytes(place.memory, "memory")
        storage = place.storage_mb or _mebibytes(place.storage, "storage")
        found = replace(
            ours,
            memory_bytes=memory * MIB if memory else ours.memory_bytes,
            disk_bytes=storage * MIB if storage else ours.disk_bytes,
            cpus=place.cpus or ours.cpus,
        )
        if place.network() == "no-network":
            return replace(found, network=False, allowed_hosts=())
        if place.network() == "allowlist" and ours.network:
            return replace(found, network=False, allowed_hosts=parse_hosts(place.allowed_hosts))
        return found

    def variables(self, of: Mapping[str, str], host: Mapping[str, str]) -> dict[str, str]:
        """A table of variables with `${NAME}` and `${NAME:-default}` filled in from the host.

        Raises HarborError for a name that the host does not have.
        """
        found = {}
        for name, value in of.items():
            match = _TEMPLATE.fullmatch(value)
            if match is None:
                found[name] = value
            elif (known := host.get(match[1], match[2])) is not None:
                found[name] = known
            else:
                raise HarborError(
                    f"{self.folder / TASK_FILE}: {name} takes ${{{match[1]}}} of this host, which "
                    f"is not set; set it: {match[1]}=..."
                )
        return found


def is_task(folder: Path) -> bool:
    """Whether a folder is a task."""
    return (folder / TASK_FILE).is_file()


def find_tasks(folder: Path) -> list[Path]:
    """The folder itself if it is a task, else the tasks in it, by name."""
    if is_task(folder):
        return [folder]
    return sorted(path for path in folder.iterdir() if is_task(path)) if folder.is_dir() else []


def read_task(folder: Path) -> HarborTask:
    """Read and check one folder; raises HarborError with what is wrong and what to do."""
    folder = folder.absolute()
    if not is_task(folder):
        raise HarborError(f"{folder} has no {TASK_FILE}; a task of Harbor is a folder with one")
    config = read_config(folder / TASK_FILE)
    task = HarborTask(folder, _name(folder), "", config, "")
    if (folder / "environment" / "docker-compose.yaml").is_file():
        raise HarborError(
            f"{folder}: its environment is of several services (docker-compose.yaml), which is "
            "not supported; leave this task out"
        )
    if task.context is None and not config.environment.docker_image:
        raise HarborError(
            f"{folder} has neither environment/Dockerfile nor a docker_image in {TASK_FILE}"
        )
    if not (task.tests / "test.sh").is_file():
        raise HarborError(f"{folder} has no tests/test.sh; nothing would judge an attempt")
    try:
        text = (folder / "instruction.md").read_text("utf-8", errors="replace")
    except OSError as error:
        raise HarborError(f"cannot read {folder}/instruction.md: {error.strerror}") from error
    instruction = without_canary(text)
    if not instruction.strip():
        raise HarborError(f"{folder}/instruction.md is empty; there is nothing to do")
    task.limits(SandboxLimits())
    return replace(task, instruction=instruction, key=content_key(*_contents(folder)))


def without_canary(text: str) -> str:
    """The instruction without the leading marker lines of benchmarks, as Harbor shows it."""
    lines = text.split("\n")
    start = 0
    while start < len(lines) and _CANARY.fullmatch(lines[start].strip()):
        start += 1
    while start < len(lines) and not lines[start].strip():
        start += 1
    return "\n".join(lines[start:])


def _name(folder: Path) -> str:
    return re.sub(r"[^A-Za-z0-9._-]+", "-", folder.name).strip(".-") or "task"


def _contents(folder: Path) -> Iterator[tuple[str, int, str]]:
    """Every file that a verdict depends on: path, whether it is executable, digest."""
    for name in (TASK_FILE, "instruction.md", "environment", "tests"):
        top = folder / name
        for path in sorted(top.rglob("*")) if top.is_dir() else [top]:
            if path.is_file():
                digest = hashlib.sha256(path.read_bytes()).hexdigest()
                mode = path.stat().st_mode & 0o111
                yield path.relative_to(folder).as_posix(), mode, digest


def _mebibytes(text: str | None, what: str) -> int:
    """`2G` as 2048; 0 where nothing is said."""
    if text is None:
        return 0
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        raise HarborError(f"{what} = {text!r} is not a size; write e.g. 2G or 512M")
    return max(1, int(float(match[1]) * _UNITS[match[2].upper()] / MIB))
