"""Claude Code and Codex CLI, unmodified, on our server: that they understand each other.

Both come from npm (`@anthropic-ai/claude-code`, `@openai/codex`) and have to be on the PATH. Their
own instructions are longer than what the bundled model can hold, so they get shorter ones.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from live import Live

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
TASK = "The function add in calc.py is wrong."
PROVIDER = """
model = "nano"
model_provider = "cwm"
model_context_window = 4096
model_instructions_file = "{folder}/instructions.md"
[model_providers.cwm]
name = "cwm"
base_url = "{url}"
env_key = "CWM_KEY"
wire_api = "responses"
"""


def run(folder: Path, *command: str, **variables: str) -> list[dict[str, object]]:
    """Its output, a JSON object a line."""
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed (it comes from npm)")
    work = folder / "work"
    work.mkdir()
    (work / "calc.py").write_text("def add(a, b):\n    return a - b\n")
    subprocess.run(["git", "init", "--quiet", work], check=True)
    clean = {"PATH": os.environ["PATH"], "HOME": str(folder), **variables}
    done = subprocess.run(
        command, cwd=work, env=clean, stdin=subprocess.DEVNULL, capture_output=True, text=True,
        timeout=500, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


def test_claude_code(server: Live, tmp_path: Path) -> None:
    (told,) = run(
        tmp_path, "claude", "-p", TASK, "--model", "nano", "--system-prompt", "nano",
        *("--tools", "Bash", "--allowedTools", "Bash", "--max-turns", "3"),
        *("--output-format", "json"),
        ANTHROPIC_BASE_URL=server.url, ANTHROPIC_API_KEY="x",
        CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC="1",
    )  # fmt: skip
    assert told["subtype"] in ("success", "error_max_turns")
    assert told["api_error_status"] is None
    usage = told["usage"]
    assert isinstance(usage, dict)
    assert usage["output_tokens"] > 0
    assert told["num_turns"] == 1 or usage["cache_read_input_tokens"] > 0


def test_codex(server: Live, tmp_path: Path) -> None:
    (tmp_path / "instructions.md").write_text("nano\n")
    (tmp_path / "config.toml").write_text(PROVIDER.format(folder=tmp_path, url=server.api))
    events = run(
        tmp_path, "codex", "exec", "--json", "--sandbox", "danger-full-access", TASK,
        CODEX_HOME=str(tmp_path), CWM_KEY="x",
    )  # fmt: skip
    assert events[-1]["type"] == "turn.completed", events
    usage = events[-1]["usage"]
    assert isinstance(usage, dict)
    assert usage["output_tokens"] > 0
