"""Joining a Ray cluster, and what is asked of it once joined."""

from __future__ import annotations

import contextlib
import logging
import os
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TextIO, cast

from cwm_agent.cluster.demand import SLOT, Demand, Node, unmet
from cwm_agent.errors import NotReadyError, UsageError

CONNECT_SECONDS = 5.0
"""Ray itself tries an address that nobody answers at for ten minutes."""
START = f"""`ray start --head --resources='{{"{SLOT}": 8}}'`"""


def import_ray() -> Any:
    """The module `ray`; raises UsageError with the remedy where it is not installed."""
    try:
        import ray
    except ImportError as error:
        raise UsageError(
            "--on ray needs the extra `cluster`: pip install 'cwm-agent[cluster]'"
        ) from error
    return ray


@contextmanager
def connected(address: str | None, log: Callable[[str], None]) -> Iterator[None]:
    """This process as a driver of the cluster, until the block ends; what Ray says is logged.

    Raises NotReadyError when no cluster answers.
    """
    ray = import_ray()
    address = address or os.environ.get("RAY_ADDRESS") or "auto"
    if address != "auto":
        _check_answers(address)
    with _ray_off_stdout(log):
        try:
            ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR)
        except (ConnectionError, ValueError, RuntimeError) as error:
            reason = str(error).splitlines()[0]
            raise NotReadyError(
                f"cannot join the Ray cluster {address}: {reason}; start one with {START}, "
                "or name its head with cluster.address or RAY_ADDRESS"
            ) from error
        try:
            yield
        finally:
            ray.shutdown()


def living_nodes() -> list[Node]:
    """The nodes that are up."""
    return [Node(found["NodeManagerHostname"], found["Resources"]) for found in _alive()]


def slot_nodes() -> dict[str, str]:
    """Names of the living nodes that hold sandboxes, by Ray's id."""
    return {
        found["NodeID"]: found["NodeManagerHostname"]
        for found in _alive()
        if found["Resources"].get(SLOT)
    }


def check_demands(demands: Sequence[Demand], timeout: float) -> None:
    """Raises NotReadyError when the nodes up within `timeout` seconds can never meet them."""
    deadline = time.monotonic() + timeout
    while missing := unmet(demands, living_nodes()):
        if time.monotonic() >= deadline:
            raise NotReadyError(
                f"the cluster cannot run this: {missing}\nask for less, start a node that has "
                f"it (such as {START}), or give nodes time to join with cluster.wait_seconds"
            )
        time.sleep(min(1.0, max(0.0, deadline - time.monotonic())))


def _alive() -> list[dict[str, Any]]:
    return [node for node in import_ray().nodes() if node["Alive"]]


def _check_answers(address: str) -> None:
    host, colon, port = address.rpartition(":")
    if not colon or not port.isdecimal() or "/" in host:
        raise UsageError(f"cluster.address {address!r} is not HOST:PORT, such as 10.0.0.1:6379")
    try:
        socket.create_connection((host.strip("[]"), int(port)), CONNECT_SECONDS).close()
    except OSError as error:
        raise NotReadyError(
            f"no Ray cluster answers at {address}: {error}; start one with {START}"
        ) from error


class _Divided:
    """Standard output, but what Ray's threads print goes to `log`.

    Ray prints the failures of nodes to standard output from a thread of its
    own and has no switch for that; there, `--json` promises nothing but records.
    """

    def __init__(self, stream: TextIO, log: Callable[[str], None]) -> None:
        self._stream = stream
        self._log = log

    def write(self, text: str) -> int:
        if not threading.current_thread().name.startswith("ray_"):
            return self._stream.write(text)
        if text.strip():
            self._log(text.rstrip())
        return len(text)

    def __getattr__(self, name: str) -> object:
        return getattr(self._stream, name)


@contextmanager
def _ray_off_stdout(log: Callable[[str], None]) -> Iterator[None]:
    with contextlib.redirect_stdout(cast(TextIO, _Divided(sys.stdout, log))):
        yield
