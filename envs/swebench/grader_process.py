"""The official grader of swebench, in a process of its own.

It writes below the working folder, prints and waits as it likes; here that
disturbs nobody, and a process can be ended. One `GradeJob` a line comes in on
stdin, one `GradeAnswer` a line goes out on stdout. Run as
`python -m envs.swebench.grader_process` by `envs.swebench.grader`.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import IO, TYPE_CHECKING, Any

from envs.images.processor import foreign_processor
from envs.sandbox.owner import LABEL, boot_id, labels
from envs.sandbox.sandbox import Owner
from results.codec import decode, encode
from results.found import Enforced

if TYPE_CHECKING:
    from docker import DockerClient

ENGINE_SECONDS = 1800.0
"""How long the engine may be silent, as long as the official command line lets it be."""


@dataclass(frozen=True, slots=True)
class GradeJob:
    """One patch to grade. `run` is a fresh name: the official grader reuses reports of a name."""

    row: dict[str, object]
    patch: str
    model: str
    run: str
    timeout: int
    apply: bool = True
    network: bool = True


@dataclass(frozen=True, slots=True)
class GradeAnswer:
    """The official report on the instance, None where there is none; why, if that is known.

    `image` is the id of the image that it was graded in. `failure` is what the
    official package takes a patch that is not resolved for, and `environmental`
    whether it holds the environment guilty. `enforced` is what its container was made with.
    """

    report: dict[str, object] | None
    detail: str = ""
    image: str = ""
    failure: str = ""
    environmental: bool = False
    enforced: Enforced | None = None


def log_folder(run: str, model: str, instance: str) -> Path:
    """Where the official grader leaves its files, relative to its working folder."""
    return Path("logs") / "run_evaluation" / run / model / instance


class LabelledEngine:
    """The engine, whose new containers bear our labels and end at once when stopped.

    The official grader makes containers without labels, so those of a killed
    process could not be told from others, and with a first process that
    ignores SIGTERM, so each would be waited for when it is removed.
    """

    def __init__(self, client: DockerClient, owner: Owner, *, network: bool) -> None:
        self._client = client
        self._options: dict[str, Any] = {"labels": labels(owner), "init": True}
        if not network:
            self._options["network_mode"] = "none"
        self.containers = self
        self.get = client.containers.get
        self.image = ""
        self.enforced: Enforced | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def create(self, **options: Any) -> Any:
        """`client.containers.create` with our options besides; `image` is its image's id then."""
        container = self._client.containers.create(**options, **self._options)
        self.image = str(container.attrs["Image"])
        self.enforced = made_with(container.attrs)
        return container


def made_with(attributes: Mapping[str, Any]) -> Enforced:
    """What a container enforces, from the engine's description of it."""
    host, own = attributes.get("HostConfig") or {}, attributes.get("Config") or {}
    variables = dict(text.partition("=")[::2] for text in own.get("Env") or ())
    quota, period = host.get("CpuQuota") or 0, host.get("CpuPeriod") or 100_000
    cpus = (host.get("NanoCpus") or 0) / 1e9 or quota / period
    return Enforced(
        memory_bytes=host.get("Memory") or None,
        cpus=round(cpus, 3) if cpus > 0 else None,
        pids=host.get("PidsLimit") if (host.get("PidsLimit") or 0) > 0 else None,
        network=host.get("NetworkMode") != "none",
        timezone=variables.get("TZ", ""),
        hash_seed=variables.get("PYTHONHASHSEED", ""),
    )


def grade(client: DockerClient, job: GradeJob) -> GradeAnswer:
    """Let the official package grade one patch; whatever it made in the engine is gone after."""
    from swebench.harness.run_evaluation import run_instance
    from swebench.harness.utils import make_test_spec

    instance = str(job.row["instance_id"])
    prediction = {
        "instance_id": instance,
        "model_name_or_path": job.model,
        "model_patch": job.patch,
    }
    owner = Owner(job.run, instance, 0, os.getpid(), boot_id())
    engine = LabelledEngine(client, owner, network=job.network)
    detail = ""
    try:
        spec = make_test_spec(job.row)
        run_instance(spec, prediction, engine, job.run, job.timeout, skip_patch=not job.apply)
    except Exception as error:  # noqa: BLE001 - whatever it is, the next patch must be graded
        detail = f"{type(error).__name__}: {error}"
    finally:
        remove_containers(client, job.run)
    folder = log_folder(job.run, job.model, instance)
    path = folder / "report.json"
    report = json.loads(path.read_bytes())[instance] if path.is_file() else None
    if report is None:
        detail = foreign_processor(client, str(job.row["image"])) or detail
    failure, environmental = ("", False) if report and report["resolved"] else classified(folder)
    return GradeAnswer(report, detail, engine.image, failure, environmental, engine.enforced)


def classified(folder: Path) -> tuple[str, bool]:
    """What kind of failure it is, as the official report on a whole run looks for it."""
    from swebench.harness.infra_failure import TIER_ENVIRONMENT, classify_logs

    reason, tier = classify_logs(folder / "test_output.txt", folder / "run_instance.log") or (
        "",
        "",
    )
    return reason, tier == TIER_ENVIRONMENT


def remove_containers(client: DockerClient, run: str) -> None:
    """Remove what grades `run` in the engine.

    The package removes its container with the program `docker`, which may not be installed.
    """
    from docker.errors import APIError

    for container in client.containers.list(
        all=True, sparse=True, filters={"label": f"{LABEL}run={run}"}
    ):
        try:
            container.remove(force=True, v=True)
        except APIError:  # being removed already
            continue


def serve(jobs: IO[str], answers: IO[str]) -> None:
    """Grade until there are no more jobs; when they end during a grading, so does the process.

    The end of the jobs may be that of the process that gave them, killed: then
    nobody waits for the answer, and a container is left to nobody.
    """
    lines: SimpleQueue[str | None] = SimpleQueue()
    grading = threading.Event()

    def read() -> None:
        for line in jobs:
            lines.put(line)
        lines.put(None)
        if grading.is_set():
            os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=read, daemon=True).start()
    client = None
    while (line := lines.get()) is not None:
        grading.set()
        try:
            client = client or _connect()
            answer = grade(client, decode(GradeJob, json.loads(line)))
        except Exception as error:  # noqa: BLE001 - an answer is waited for
            client, answer = None, GradeAnswer(None, f"{type(error).__name__}: {error}")
        grading.clear()
        answers.write(json.dumps(encode(answer)) + "\n")
        answers.flush()


def _connect() -> DockerClient:
    from envs.docker.engine import connect_engine

    return connect_engine(timeout=ENGINE_SECONDS)


def _stop(*_: object) -> None:
    """End by an exception, so that containers are removed, and do not be disturbed in that."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    sys.exit(143)


def main() -> None:
    """Keep stdout for answers: what the package prints goes to stderr."""
    signal.signal(signal.SIGTERM, _stop)
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    serve(sys.stdin, answers)


if __name__ == "__main__":
    main()
