"""The keeper's own bash, made while other threads start programs."""

from __future__ import annotations

import subprocess
import threading
from pathlib import Path

from envs.bubblewrap.process import own_bash


def test_it_can_be_started_at_once_whatever_other_threads_start(tmp_path: Path) -> None:
    over = threading.Event()

    def start_others() -> None:
        while not over.is_set():
            subprocess.run(["true"], check=True)

    threads = [threading.Thread(target=start_others) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        for number in range(60):
            folder = tmp_path / str(number)
            folder.mkdir()
            bash = own_bash(folder)
            bash.chmod(0o755)
            subprocess.run([bash, "-c", "true"], check=True)
            bash.unlink()
    finally:
        over.set()
        for thread in threads:
            thread.join()
