"""Carries out a plan: each part in a process of its own, within the time that there is.

A process that crashes, hangs or finds wrong numbers costs its own part only. It leaves what
it was at, and is tried once more with every launch waited for, so that the error stands where
it arises.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from cwm_agent.bench.gpu.process import Ended, Worker
from cwm_agent.bench.gpu.report import Report
from cwm_agent.bench.gpu.results import note
from cwm_agent.bench.gpu.sanitizer import TOOL, sanitized
from cwm_agent.bench.gpu.task import Part, Pass, Settings, Task
from cwm_agent.errors import CwmAgentError

_LOOK = 0.05  # seconds between looks at processes
_AGAIN_SECONDS = 40.0  # for a part's second try
_HUNG_AGAIN_SECONDS = 20.0
_BLOCKING = {"CUDA_LAUNCH_BLOCKING": "1"}
_SANITIZER_SECONDS = 60.0
_BEFORE_SANITIZER = ("proof", "memory", "measure")
PROBE = Part("machine", "cwm_agent.bench.gpu.measure.machine:probe", 10, 120)
CEILINGS = Part("ceilings", "cwm_agent.bench.gpu.measure.machine:ceilings", 8, 60)


class NoDeviceError(CwmAgentError):
    """The machine has no device of the kind that was asked for."""


class Conductor:
    """One run. The report is written after every part."""

    def __init__(self, settings: Settings, report: Report, folder: Path) -> None:
        self._settings = settings
        self._report = report
        self._folder = folder
        self._end = time.monotonic() + settings.seconds
        self._started = 0
        self._workers: list[Worker] = []
        self._ceilings: tuple[float, float] | None = None
        self._bad: dict[str, tuple[Part, Ended]] = {}

    @property
    def left(self) -> float:
        """Seconds until the end; negative after it."""
        return self._end - time.monotonic()

    def run(self, plan: Sequence[Pass]) -> None:
        """All passes in their order; raises NoDeviceError."""
        self._probe()
        for of in plan:
            parts = [part for part in of.parts if self._settings.wants(part, of)]
            if of.ceilings and parts and self._ceilings is None:
                self._alone(CEILINGS)
            if of.name not in _BEFORE_SANITIZER:
                self._sanitize()
            if of.crowd:
                self._crowd(parts, of)
                continue
            for part in parts:
                if of.ceilings and self._ceilings is None:
                    self._miss(part, "failed: there is nothing to compare with without ceilings")
                elif self._fits(part):
                    self._alone(part)

    def close(self) -> None:
        """End what still runs, after an interruption too."""
        for worker in self._workers:
            worker.kill()

    def _probe(self) -> None:
        arguments = {"commit": self._settings.commit}
        ended = self._wait(self._begin(PROBE, PROBE.limit, arguments=arguments))
        for event in ended.events:
            if event["kind"] == "facts":
                self._report.begin(event["facts"])
                return
            if event["kind"] == "no_device":
                raise NoDeviceError(
                    f"gpu-check needs a CUDA device, and torch {event['torch']} sees none here. "
                    "Run it where nvidia-smi lists a GPU, with a CUDA build of torch; "
                    "'--device cpu --shape nano' only tries the program."
                )
        raise NoDeviceError(f"the machine could not be examined: {ended.error}\n{ended.log}")

    def _fits(self, part: Part) -> bool:
        if wrong := [need for need in part.needs if need in self._bad]:
            self._miss(part, f"skipped: {', '.join(wrong)} failed before")
        elif self.left < part.seconds:
            self._miss(
                part,
                f"skipped: {self.left:.0f} s were left, about {part.seconds:.0f} are needed",
            )
        else:
            return True
        return False

    def _miss(self, part: Part, reason: str) -> None:
        self._report.part(part.name, "skipped")
        for figure in part.figures:
            self._report.miss(figure, reason)
        _say(f"[{part.name}] {reason}")

    def _alone(self, part: Part) -> None:
        """One part while nothing else runs."""
        _say(f"[{part.name}] ...")
        self._note(part, self._wait(self._begin(part, part.limit)))

    def _crowd(self, parts: Sequence[Part], of: Pass) -> None:
        """Parts side by side, then those that failed once more."""
        seconds = min((of.seconds or self.left) * self._settings.limit_factor, self.left)
        end = time.monotonic() + seconds
        waiting, running = list(parts), dict[str, tuple[Part, Worker]]()
        failed: list[tuple[Part, Ended]] = []
        while waiting or running:
            while waiting and len(running) < self._settings.processes:
                part = waiting.pop(0)
                if (room := end - time.monotonic()) < 1 or not self._fits(part):
                    self._report.part(part.name, "skipped")
                    continue
                limit = min(part.limit, room / self._settings.limit_factor)
                running[part.name] = part, self._begin(part, limit)
            for part, worker in [entry for entry in running.values() if entry[1].over()]:
                del running[part.name]
                ended = worker.ended()
                note(self._report, part, ended, None)
                self._shown(part, ended)
                if not ended.good:
                    failed.append((part, ended))
            time.sleep(_LOOK)
        for part, ended in failed:
            self._finish(part, ended)

    def _note(self, part: Part, ended: Ended) -> None:
        for event in ended.events:
            if event["kind"] == "ceilings":
                self._ceilings = tuple(event["ceilings"])
        note(self._report, part, ended, None)
        self._shown(part, ended)
        self._finish(part, ended)

    def _finish(self, part: Part, ended: Ended) -> None:
        """A second try of what failed, at the case that failed."""
        if not ended.good:
            self._bad[part.name] = part, ended
            room = (
                min(_HUNG_AGAIN_SECONDS, part.limit) if ended.outcome == "hung" else _AGAIN_SECONDS
            )
            if part.again and self.left > room:
                _say(f"[{part.name}] once more, each launch by itself ...")
                again = self._wait(self._begin(part, room, again=ended))
                note(self._report, part, ended, again)
                self._shown(part, again)
        self._report.write(self._settings.out)

    def _shown(self, part: Part, ended: Ended) -> None:
        at = f" at {ended.kernel} {ended.shape}" if ended.kernel else ""
        error = f"{at}: {ended.error}" if ended.error else ""
        _say(f"[{part.name}] {ended.outcome}, {ended.seconds:.1f} s{error}")
        self._report.write(self._settings.out)

    def _sanitize(self) -> None:
        """Kernels that failed, under a tool that finds bad addresses; once each."""
        for name, (part, ended) in self._bad.items():
            failure = self._report.failures.get(name, {})
            if not name.startswith("kernel.") or "sanitizer" in failure:
                continue
            if shutil.which(TOOL) is None or self.left < _SANITIZER_SECONDS:
                return
            _say(f"[{name}] once more under {TOOL} ...")
            failure["sanitizer"] = sanitized(self._task(part, _SANITIZER_SECONDS, again=ended))
            self._report.write(self._settings.out)

    def _begin(
        self,
        part: Part,
        seconds: float,
        *,
        again: Ended | None = None,
        arguments: dict[str, str] | None = None,
    ) -> Worker:
        task = self._task(part, seconds, again=again, arguments=arguments)
        worker = Worker(task, self._folder / f"{self._started}.log")
        self._workers.append(worker)
        return worker

    def _task(
        self,
        part: Part,
        seconds: float,
        *,
        again: Ended | None,
        arguments: dict[str, str] | None = None,
    ) -> Task:
        known = again is not None and again.kernel is not None and again.shape is not None
        carried = self._settings.carried
        self._started += 1
        return Task(
            part.name,
            part.target,
            self._settings.device,
            self._settings.shape,
            str(self._folder / f"{self._started}.events"),
            max(1.0, min(seconds * self._settings.limit_factor, self.left)),
            arguments=arguments or part.arguments,
            only=(again.kernel or "", again.shape or "") if again and known else None,
            ceilings=self._ceilings,
            carried=str(carried) if carried else "",
            environment=self._environment() | (_BLOCKING if again else {}),
        )

    def _environment(self) -> dict[str, str]:
        if self._settings.device == "cpu":
            return {"TRITON_INTERPRET": "1"}  # carries out the kernels without a GPU
        carried = self._settings.carried
        if carried and (cache := carried / "triton").is_dir():
            return {"TRITON_CACHE_DIR": str(cache)}
        return {}

    @staticmethod
    def _wait(worker: Worker) -> Ended:
        while not worker.over():
            time.sleep(_LOOK)
        return worker.ended()


def check(settings: Settings, plan: Sequence[Pass], report: Report) -> None:
    """Carry out a plan; the log of all processes lies beside the report in the end."""
    with tempfile.TemporaryDirectory(prefix="gpu-check-") as name, _logs(Path(name), settings.out):
        conductor = Conductor(settings, report, Path(name))
        try:
            conductor.run(plan)
        finally:
            conductor.close()
        report.write(settings.out)


@contextmanager
def _logs(folder: Path, out: Path) -> Iterator[None]:
    """Keep what the processes wrote in one file, in the order in which they began.

    Without a device nothing was checked, and the error says all there is to say.
    """
    keep = True
    try:
        yield
    except NoDeviceError:
        keep = False
        raise
    finally:
        if keep:
            logs = sorted(folder.glob("*.log"), key=lambda path: int(path.stem))
            with out.with_suffix(".log").open("wb") as file:
                for log in logs:
                    file.write(log.read_bytes())


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
