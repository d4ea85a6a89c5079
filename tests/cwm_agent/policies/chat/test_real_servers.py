"""`solve` and `chat` with servers that others wrote: llama.cpp's and transformers'; LiteLLM's proxy
before llama.cpp's and before our own; and our own as any other.

`scripts/clients.sh servers` puts them and a model of 135 million parameters beside the packages of
this environment. The model solves nothing; what is tested is the protocol.
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

from cwm_agent.bench.serve.smollm2 import packed_weights, unpack
from results.records import AttemptStarted, Replied

CLIENTS = Path(sys.prefix) / "clients"
KEY = "sk-proxy"
SECONDS = 300
pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600)]


def peer(name: str) -> Path:
    """Where that one was put; skips the test where it was not."""
    folder = CLIENTS / name
    if not folder.is_dir():
        pytest.skip(f"needs {name}: scripts/clients.sh servers")
    return folder


def smollm2() -> Path:
    weights = packed_weights(peer("smollm2"))
    assert weights is not None
    return weights


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
    packages, port = peer("llama-cpp"), free_port()
    command = [
        *(sys.executable, "-m", "llama_cpp.server", "--model", smollm2()),
        *("--n_ctx", "4096", "--host", "127.0.0.1", "--port", str(port)),
    ]
    log = tmp_path_factory.mktemp("llama") / "log"
    with running(command, port, log, PYTHONPATH=str(packages)) as url:
        yield url


SERVE = "import sys; from transformers.cli.transformers import main; sys.exit(main())"


@pytest.fixture(scope="module")
def transformers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    packages, port = peer("accelerate"), free_port()
    folder = unpack(smollm2(), tmp_path_factory.mktemp("transformers") / "smollm2")
    command = [
        *(sys.executable, "-c", SERVE, "serve", folder),
        *("--device", "cpu", "--host", "127.0.0.1", "--port", str(port)),
    ]
    own = {"HF_HUB_OFFLINE": "1", "PYTHONPATH": str(packages)}
    with running(command, port, folder / "log", **own) as url:
        yield url, folder


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    port = free_port()
    command = [sys.executable, "-m", "cwm_agent", "serve", "--port", str(port)]
    with running(command, port, tmp_path_factory.mktemp("serve") / "log") as url:
        yield url


@pytest.fixture(scope="module")
def proxy(llama: str, ours: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    litellm = peer("proxy") / "bin" / "litellm"
    folder = tmp_path_factory.mktemp("proxy")
    models = [
        {
            "model_name": name,
            "litellm_params": {"model": f"hosted_vllm/{name}", "api_base": url, "api_key": "none"},
        }
        for name, url in (("smollm2", llama), ("nano", ours))
    ]
    (folder / "config.yaml").write_text(json.dumps({"model_list": models}))
    port = free_port()
    command = [litellm, "--config", folder / "config.yaml", "--port", str(port)]
    own = {
        "LITELLM_MASTER_KEY": KEY, "LITELLM_LOCAL_MODEL_COST_MAP": "True", "NO_PROXY": "127.0.0.1",
    }  # fmt: skip
    with running([*command, "--host", "127.0.0.1"], port, folder / "log", **own) as url:
        yield url


def solved_by(
    solve: Solve, api: str, url: str, calls: str, model: str = "smollm2", found: str = ""
) -> list[Replied]:
    """The reply of an attempt that a small limit ends; the model may also end it.

    `found` is what `calls` came to, if it was left to the probe.
    """
    solve.environment["CWM_AGENT_API_KEY"] = KEY
    small = {
        "endpoint.tool_calls": calls, "limits.turns": "1", "limits.action_tokens": "24",
        "limits.context_tokens": "4096", "endpoint.silence_seconds": str(SECONDS),
    }  # fmt: skip
    settings = [part for item in small.items() for part in ("--set", "=".join(item))]
    attempt = solve.start(
        *("add subtracts", "--repo", "repository", "--sandbox", "bubblewrap", "--name", "run"),
        *("--model", f"{api}:{model}", "--url", url, "--json", *settings),
    )
    try:
        printed, said = attempt.communicate(timeout=4 * SECONDS)
    finally:
        attempt.kill()
    assert json.loads(printed)["exit_reason"] in ("turn_limit", "submitted"), said
    events = solve.events("run")
    started = next(event for event in events if isinstance(event, AttemptStarted))
    assert started.capabilities is not None
    assert started.capabilities.tool_calls == (found or calls)
    return [event for event in events if isinstance(event, Replied)]


@pytest.mark.parametrize("calls", ["text", "native"])
def test_llama_cpp(solve: Solve, llama: str, calls: str) -> None:
    replies = solved_by(solve, "openai", llama, calls)
    assert all(said.reply.text or said.reply.chat for said in replies)


def test_llama_cpp_is_found_to_call_no_functions(solve: Solve, llama: str) -> None:
    assert solved_by(solve, "openai", llama, "auto", found="text")


def test_transformers(solve: Solve, transformers: tuple[str, Path]) -> None:
    url, folder = transformers
    replies = solved_by(solve, "openai", url, "auto", str(folder), found="text")
    assert replies[0].reply.text


@pytest.mark.parametrize("api", ["openai", "anthropic"])
def test_our_own_server(solve: Solve, ours: str, api: str) -> None:
    replies = solved_by(solve, api, ours, "auto", "nano", found="text")
    assert all(said.reply.text or said.reply.chat for said in replies)


@pytest.mark.parametrize("api", ["openai", "anthropic"])
def test_litellm_before_our_own_server(solve: Solve, proxy: str, api: str) -> None:
    """It passes on no word of the grammar that the model has, so that is found by the probe."""
    assert solved_by(solve, api, proxy, "auto", "nano", found="text")


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
