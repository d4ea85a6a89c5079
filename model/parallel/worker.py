"""A worker of a tensor-parallel group: it runs the plans of rank 0 on its shard, nothing else.

`python -m model.parallel.worker FOLDER RANK` is started by `model.parallel.worker_processes`;
under torchrun a program calls `serve_torchrun` in every rank but 0.
torch is imported late, so that a worker shows signs of life from its first second.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from model.parallel.rank import RankSpec
    from model.parallel.ranks import Ranks
    from model.runner.runner import Runner

BEAT_SECONDS = 1.0
READY = "ready"
SPEC = "spec.json"
MEETING = "meeting"
SPEC_KEY = "cwm-agent/spec"

_LONGEST_REPORT = 3000  # a write to a pipe below 4096 bytes is never torn


class Lifeline:
    """Pipes to rank 0: it hears that we live, and we end when it does.

    Standard output carries a line a second, empty ones only say "alive"; the
    end of standard input means that rank 0 is gone, however it ended.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._out = os.dup(1)
        os.dup2(2, 1)  # whatever a library prints must not look like a report
        for loop in (self._beat, self._listen):
            threading.Thread(target=loop, daemon=True).start()

    def tell(self, line: str) -> None:
        """Send one line."""
        try:
            os.write(self._out, f"{line}\n".encode())
        except OSError:
            self._end()

    def _beat(self) -> None:
        while True:
            self.tell("")
            time.sleep(BEAT_SECONDS)

    def _listen(self) -> None:
        while os.read(0, 64):
            pass
        self._end()

    def _end(self) -> NoReturn:
        """Leave nothing behind, whatever the other threads are doing."""
        # Under another name first: a thread that is just connecting would make its file again.
        doomed = self._folder.with_name(f"{self._folder.name}-ended")
        with suppress(OSError):
            self._folder.rename(doomed)
        shutil.rmtree(doomed, ignore_errors=True)
        os._exit(1)


def main(folder: Path, rank: int) -> int:
    """The life of a spawned worker; its exit code."""
    lifeline = Lifeline(folder)
    try:
        text = (folder / SPEC).read_text(encoding="utf-8")
        _serve_spawned(text, folder, rank, lifeline)
    except Exception as error:  # noqa: BLE001 (rank 0 must hear of it)
        report = {"kind": type(error).__name__, "text": str(error)[:_LONGEST_REPORT]}
        lifeline.tell(json.dumps(report)[:_LONGEST_REPORT])
        return 1
    return 0


def _serve_spawned(text: str, folder: Path, rank: int, lifeline: Lifeline) -> None:
    from torch.distributed import FileStore  # type: ignore[attr-defined]

    from model.parallel.rank import spec_from_json

    spec = spec_from_json(text)
    store = FileStore(str(folder / MEETING), spec.size)
    serve(spec, rank, rank, store, local=True, ready=lambda: lifeline.tell(READY))


def serve(
    spec: RankSpec,
    rank: int,
    local_rank: int,
    store: Any,
    *,
    local: bool,
    ready: Callable[[], None] = lambda: None,
) -> None:
    """Load this rank's shard, call `ready`, then run plans until rank 0 says stop.

    `store` is where the ranks meet (a torch.distributed.Store).
    """
    import torch

    from model.parallel.ranks import ANY_TIME, connect

    torch.set_num_threads(spec.threads)
    device = spec.device_of(local_rank)
    weights = spec.load(rank, device)
    storage = spec.storage(device)
    ready()
    ranks = connect(
        store,
        rank,
        spec.size,
        device,
        meeting=ANY_TIME,
        step=ANY_TIME,
        local=local,
        sums=spec.sums,
    )
    follow_plans(spec.runner(weights, storage, ranks), ranks)


def follow_plans(runner: Runner, ranks: Ranks) -> None:
    """Run this rank's part of every plan until the first rank says stop."""
    from model.step.plan_codec import decode_plan

    while numbers := ranks.receive_plan():
        runner.follow(decode_plan(numbers))
    runner.close()


def torchrun_rank() -> int | None:
    """This process's rank when torchrun started it, else None."""
    return int(os.environ["RANK"]) if "TORCHELASTIC_RUN_ID" in os.environ else None


def serve_torchrun() -> None:
    """Serve rank 0 of the same torchrun until it stops; for all other ranks, first thing."""
    from torch.distributed.rendezvous import rendezvous

    from model.parallel.rank import spec_from_json

    store, rank, _ = next(rendezvous("env://"))
    spec = spec_from_json(store.get(SPEC_KEY).decode())
    serve(spec, rank, int(os.environ["LOCAL_RANK"]), store, local=False)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), int(sys.argv[2])))
