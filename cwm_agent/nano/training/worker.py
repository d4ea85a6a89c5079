"""Processes that make samples beside the training.

This module imports no torch: a worker would need seconds and memory for it.
"""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import queue
import traceback
from collections.abc import Iterator
from itertools import islice
from multiprocessing.process import BaseProcess
from types import TracebackType
from typing import Self

from cwm_agent.errors import CwmAgentError
from cwm_agent.nano.training.batch import Sample, SampleSource

_NICENESS = 5  # a worker must not take time from the training
_AT_ONCE = 32  # samples a message
_AHEAD = 8  # messages that may wait
_POLL_SECONDS = 2.0  # seconds between looks at whether the other side still lives

Message = list[Sample] | str  # a str is the traceback of a source that failed


class SourceError(CwmAgentError):
    """A worker's source of samples failed or ended."""


def derived_seed(*parts: int) -> int:
    """A seed of 63 bits that depends on all parts."""
    text = ",".join(map(str, parts)).encode()
    return int.from_bytes(hashlib.sha256(text).digest()[:8], "big") >> 1


class Workers:
    """A fixed number of processes, taken from in turn, so the stream does not depend on timing."""

    def __init__(self, source: SampleSource, seed: int, count: int) -> None:
        context = multiprocessing.get_context("spawn")
        self._channels: list[multiprocessing.Queue[Message]] = []
        self._processes: list[BaseProcess] = []
        for number in range(count):
            channel: multiprocessing.Queue[Message] = context.Queue(_AHEAD)
            process = context.Process(
                target=_work, args=(source, derived_seed(seed, number), channel), daemon=True
            )
            process.start()
            self._channels.append(channel)
            self._processes.append(process)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for process in self._processes:
            process.kill()
            process.join()

    def __iter__(self) -> Iterator[list[Sample]]:
        """Endless lists of samples; raises SourceError when a worker cannot go on."""
        while True:
            for process, channel in zip(self._processes, self._channels, strict=True):
                yield _receive(process, channel)


def _receive(process: BaseProcess, channel: multiprocessing.Queue[Message]) -> list[Sample]:
    """Wait for the next message of one worker."""
    while True:
        try:
            message = channel.get(timeout=_POLL_SECONDS)
        except queue.Empty:
            if process.is_alive():
                continue
            raise SourceError(
                f"a worker process ended with exit code {process.exitcode}; start the training "
                "again; it resumes from the last saved state"
            ) from None
        if isinstance(message, str):
            raise SourceError(f"the sample generator failed; fix it and start again:\n{message}")
        return message


def _work(source: SampleSource, seed: int, channel: multiprocessing.Queue[Message]) -> None:
    """Body of a worker process: make samples until the parent is gone."""
    os.nice(_NICENESS)
    parent = os.getppid()
    try:
        samples = source(seed)
        while message := list(islice(samples, _AT_ONCE)):
            if not _send(channel, message, parent):
                return
        _send(channel, "it ended, but it must be endless", parent)
    except Exception:  # noqa: BLE001  # whatever it is, the parent shows it
        _send(channel, traceback.format_exc(), parent)


def _send(channel: multiprocessing.Queue[Message], message: Message, parent: int) -> bool:
    """Hand over one message; False when the parent was killed and nobody will read it."""
    while os.getppid() == parent:
        try:
            channel.put(message, timeout=_POLL_SECONDS)
        except queue.Full:
            continue
        return True
    channel.cancel_join_thread()
    return False
