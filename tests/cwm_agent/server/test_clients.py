"""Other programs as clients, unmodified, each in an environment of its own.

`CWM_AGENT_TEST_CLIENTS` names a Python that has litellm, mini-swe-agent and inspect_ai.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest
from live import Live

PYTHON = os.environ.get("CWM_AGENT_TEST_CLIENTS", "")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not PYTHON, reason="CWM_AGENT_TEST_CLIENTS names no Python"),
]

LITELLM = """
import json, sys, litellm
url = sys.argv[1]
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
print(json.dumps({
    "name": message.tool_calls[0].function.name,
    "arguments": json.loads(message.tool_calls[0].function.arguments),
    "streamed": json.loads(call.function.arguments),
    "finish": whole.choices[0].finish_reason,
    "reasoning": getattr(message, "reasoning_content", None),
}))
"""

MINI = """
import json, sys
from minisweagent.agents.default import DefaultAgent
from minisweagent.environments.local import LocalEnvironment
from minisweagent.models import get_model
url, folder = sys.argv[1:]
model = get_model("openai/nano", {
    "model_kwargs": {"api_base": url, "api_key": "x", "temperature": 0, "max_tokens": 200},
    "cost_tracking": "ignore_errors"})
agent = DefaultAgent(model, LocalEnvironment(cwd=folder), system_template="You fix bugs.",
                     instance_template="{{task}}", step_limit=4)
try:
    agent.run("The function add in calc.py is wrong.")
except Exception as error:
    print(type(error).__name__, error, file=sys.stderr)
print(json.dumps({"calls": agent.n_calls, "roles": [m.get("role") for m in agent.messages]}))
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


def run(code: str, *arguments: str, cwd: Path) -> dict[str, object]:
    clean = {"PATH": os.environ["PATH"], "HOME": str(cwd), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [PYTHON, "-c", code, *arguments],
        env=clean, cwd=cwd, capture_output=True, text=True, timeout=280,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    found: dict[str, object] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def test_litellm_calls_tools(server: Live, tmp_path: Path) -> None:
    found = run(LITELLM, server.api, cwd=tmp_path)
    assert found["name"] == "bash"
    assert found["arguments"] == found["streamed"]
    assert found["finish"] == "tool_calls"


def test_mini_swe_agent_runs_on_it(server: Live, tmp_path: Path) -> None:
    (tmp_path / "calc.py").write_text("def add(a, b):\n    return a - b\n")
    found = run(MINI, server.api, str(tmp_path), cwd=tmp_path)
    assert found["calls"] == 4
    assert "assistant" in found["roles"]  # type: ignore[operator]


def test_inspect_evaluates_it(server: Live, tmp_path: Path) -> None:
    found = run(INSPECT, server.api, str(tmp_path), cwd=tmp_path)
    assert found["status"] == "success"
    assert found["output"] == 40
