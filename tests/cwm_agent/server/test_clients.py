"""Programs of others as clients, unmodified, each in a process of its own.

`scripts/clients.sh` puts them into folders beside the packages of the environment.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from live import Live

CLIENTS = Path(sys.prefix) / "clients"

OPENAI_2 = """
import json, sys, openai
client = openai.OpenAI(base_url=sys.argv[1], api_key="x", max_retries=0)
asked = dict(model="nano", messages=[{"role": "user", "content": "Look at calc.py."}],
             max_tokens=12, seed=3)
whole = client.chat.completions.create(**asked)
chunks = list(client.chat.completions.create(**asked, stream=True))
said = [c.choices[0].delta for c in chunks if c.choices]
first = client.responses.create(model="nano", input="Look at calc.py.", max_output_tokens=12,
                                temperature=0)
second = client.responses.create(model="nano", input="And?", max_output_tokens=12,
                                 temperature=0, previous_response_id=first.id)
try:
    client.models.retrieve("gpt-5")
    refused = None
except openai.NotFoundError as error:
    refused = error.status_code
print(json.dumps({
    "version": openai.__version__,
    "finish": [whole.choices[0].finish_reason, chunks[-1].choices[0].finish_reason],
    "whole": whole.choices[0].message.reasoning,
    "streamed": "".join(getattr(d, "reasoning", None) or "" for d in said),
    "cached": second.usage.input_tokens_details.cached_tokens,
    "before": first.usage.total_tokens,
    "models": [model.id for model in client.models.list()],
    "refused": refused,
}))
"""

LITELLM_AND_MINI = """
import json, sys, litellm
url, folder = sys.argv[1:]
bash = {"type": "function", "function": {"name": "bash", "description": "Runs.", "parameters": {
    "type": "object", "properties": {"command": {"type": "string"}}, "required": ["command"]}}}
asked = dict(model="hosted_vllm/nano", api_base=url, api_key="x", temperature=0, tools=[bash],
             tool_choice="required", max_tokens=200,
             messages=[{"role": "user", "content": "Look at calc.py."}])
whole = litellm.completion(**asked)
message = whole.choices[0].message
chunks = list(litellm.completion(**asked, stream=True))
built = litellm.stream_chunk_builder(chunks, messages=asked["messages"])
call = built.choices[0].message.tool_calls[0]
tools = {
    "name": message.tool_calls[0].function.name,
    "arguments": json.loads(message.tool_calls[0].function.arguments),
    "streamed": json.loads(call.function.arguments),
    "finish": whole.choices[0].finish_reason,
}
from minisweagent.agents.default import DefaultAgent
from minisweagent.environments.extra.bubblewrap import BubblewrapEnvironment
from minisweagent.models import get_model
model = get_model("openai/nano", {
    "model_kwargs": {"api_base": url, "api_key": "x", "temperature": 0, "max_tokens": 200},
    "cost_tracking": "ignore_errors"})
agent = DefaultAgent(model, BubblewrapEnvironment(cwd=folder), system_template="You fix bugs.",
                     instance_template="{{task}}", step_limit=4)
try:
    agent.run("The function add in calc.py is wrong.")
except Exception as error:
    print(type(error).__name__, error, file=sys.stderr)
roles = [message.get("role") for message in agent.messages]
print(json.dumps({**tools, "calls": agent.n_calls, "roles": roles}))
"""

INSPECT = """
import json, sys
from inspect_ai import Task, eval
from inspect_ai.dataset import Sample
from inspect_ai.model import GenerateConfig, get_model
from inspect_ai.scorer import includes
url, folder = sys.argv[1:]
model = get_model("openai-api/cwm/nano", base_url=url, api_key="x",
                  config=GenerateConfig(max_tokens=40, temperature=0))
(log,) = eval(Task([Sample("Look at calc.py.", target="x")], scorer=includes()), model=model,
              display="none", log_dir=folder)
print(json.dumps({"status": log.status, "output": log.samples[0].output.usage.output_tokens}))
"""


def run(client: str, code: str, *arguments: str, cwd: Path) -> dict[str, object]:
    """What the last line of output says; skips the test where the client is not installed."""
    packages = CLIENTS / client
    if not packages.is_dir():
        pytest.skip(f"no {packages}; scripts/clients.sh installs it")
    clean = {"PATH": os.environ["PATH"], "HOME": str(cwd), "OMP_NUM_THREADS": "1",
             "PYTHONPATH": str(packages), "LITELLM_LOCAL_MODEL_COST_MAP": "True"}  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        env=clean, cwd=cwd, capture_output=True, text=True, timeout=280,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    found: dict[str, object] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def test_openai_2_speaks_with_it(server: Live, tmp_path: Path) -> None:
    found = run("openai-2", OPENAI_2, server.api, cwd=tmp_path)
    assert str(found["version"]).startswith("2.")
    assert found["finish"] == ["length", "length"]
    assert found["whole"] == found["streamed"]
    assert found["cached"] == found["before"] - 1  # type: ignore[operator]
    assert found["models"] == ["nano"]
    assert found["refused"] == 404


def test_litellm_calls_tools_and_mini_swe_agent_runs_on_it(server: Live, tmp_path: Path) -> None:
    """One process: mini-swe-agent asks through litellm, whose import is what takes time."""
    (tmp_path / "calc.py").write_text("def add(a, b):\n    return a - b\n")
    found = run("agents", LITELLM_AND_MINI, server.api, str(tmp_path), cwd=tmp_path)
    assert found["name"] == "bash"
    assert found["arguments"] == found["streamed"]
    assert found["finish"] == "tool_calls"
    assert found["calls"] == 4
    assert "assistant" in found["roles"]  # type: ignore[operator]


@pytest.mark.slow
def test_inspect_evaluates_it(server: Live, tmp_path: Path) -> None:
    found = run("inspect", INSPECT, server.api, str(tmp_path), cwd=tmp_path)
    assert found["status"] == "success"
    assert found["output"] == 40
