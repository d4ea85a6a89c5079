"""The original texts, read from a checkout."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from cwm_agent.prompts.importer import import_original
from cwm_agent.prompts.packs import load
from cwm_agent.prompts.schema import TEXTS
from tools.texts import TextError

ROOT = Path(__file__).parents[3]


CHECKOUT = {
    "cwm/rl/envs/prompts.py": '''
CWM_THINKTAG_SYS_PROMPT = """
{description} Ponder.
""".strip()
ENV_PROMPT = """
# Environment

{environment}
"""
def get_cwm_sys_prompt(think, tag, description: str = "You are {odd}.", environment=None):
    return description
''',
    "cwm/rl/envs/envs/swerl_tool.py": '''
import nowhere_to_be_found
raise SystemExit("this must never run")
SYSTEM_UBUNTU = """
A box with {session_timeout}, {context_size}, {max_turns}. Tools:

<tool: bash>
[x]
</tool>
Runs it, unlike <tool: submit>.

<tool: edit>
[y]
</tool>
Edits it.

<tool: create>
[z]
</tool>
Makes it.

<tool: submit>
[r]
</tool>
Ends it.

LAWS:
* One.

* Two.
""".strip()
USER_ISSUE_SOLVING = "Mend {issue} in {repo_root}."
BUDGET_NOTICE_TEMPLATE = "Left: {remaining_turns}, {remaining_tokens}"
SUBMISSION_FEEDBACK_PROMPT = """
Got {pred_patch}
""".strip()
FEEDBACK_OUTPUT_PROMPT = "<output>{feedback} {unheard_of}</output>"
class Env:
    def step(self, action):
        """Not a text that anybody sees."""
        if count != 1:
            raise swerl.errors.FormatError(
                f"Marks: {num_ending_tokens}"
            )
        feedback = f"{type(e).__name__}: {e}"
''',
    "cwm/rl/swerl/default_tools.py": '''
def parse_tool_calls(raw):
    """Doc."""
    if len(tool_calls) > 1:
        raise FormatError(f"Saw {len(tool_calls)}: {', '.join(tool_names)}. " "Use {one}.")
    if a != b:
        raise FormatError(f"{len(tool_calls)}, {num_opening_tags}, {num_closing_tags} differ")
    raise FormatError("Saw none at all")
''',
    "cwm/rl/swerl/tools.py": '''
class Backend:
    def apply_tool(self, tool_name):
        """Doc of it."""
        raise NoSuchToolError(f"What is {tool_name}?")
def bash_feedback_default(output):
    if a:
        feedback = "It broke down."
    elif b:
        feedback = "It was slow."
    else:
        feedback = "It was long."
    feedback += " Here is another."
    return ToolCallResult(feedback, False)
def submit_file(backend, command):
    error = f"Wrong function {path}."
def submit_diff_file(backend, command):
    bash_result = backend.run_bash(f"cat {path}")
    if x:
        error = f"Unreadable {path}."
    if y:
        error = f"Hollow {path}."
    if z:
        error = f"Not diff {path}."
''',
    "cwm/rl/swerl/plugins/edit.py": '''
PARSE_ERROR = """
Shape is {braces}
""".strip()
def main(command):
    if len(x) > 1:
        return (False, f"Blocks: {len(predicted_path_search_replaces)}.")
    if not y:
        return (False, f"Gone: {path}")
    message = f"Nowhere in {path}."
    message += f" Mind the gap."
    return False, f"At {linenums} of {path}"
''',
}


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    for name, content in CHECKOUT.items():
        path = tmp_path / "cwm-main" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return tmp_path / "cwm-main"


def test_the_original_texts_are_read_without_running_anything(checkout: Path) -> None:
    default = load("default")
    imported = import_original(checkout, default)
    assert imported.texts.name == "original"
    taken = {key: imported.texts.templates[key] for key in imported.found}
    assert taken == {
        "system.description": "You are {{odd}}.",
        "system.thinking": "{description} Ponder.",
        "system.environment": "# Environment\n\n{environment}",
        "environment.about": "A box with {session_timeout}, {context_size}, {max_turns}. Tools:",
        "environment.tool.bash": "<tool: bash>\n[x]\n</tool>\nRuns it, unlike <tool: submit>.",
        "environment.tool.edit": "<tool: edit>\n[y]\n</tool>\nEdits it.",
        "environment.tool.create": "<tool: create>\n[z]\n</tool>\nMakes it.",
        "environment.tool.submit": "<tool: submit>\n[r]\n</tool>\nEnds it.",
        "environment.rules": "LAWS:\n* One.\n\n* Two.",
        "task.issue": "Mend {issue} in {repo_root}.",
        "result.budget": "Left: {remaining_turns}, {remaining_tokens}",
        "format.thinking_missing": "FormatError: Marks: {marks}",
        "format.thinking_repeated": "FormatError: Marks: {marks}",
        "format.several_calls": "FormatError: Saw {count}: {names}. Use {{one}}.",
        "format.tag_mismatch": "FormatError: {calls}, {opening}, {closing} differ",
        "format.no_call": "FormatError: Saw none at all",
        "format.unknown_tool": "NoSuchToolError: What is {name}?",
        "bash.fresh.timeout": "It was slow.",
        "bash.fresh.too_much_output": "It was long.",
        "bash.fresh.ended": "It broke down.",
        "bash.fresh.session": "Here is another.",
        "edit.unparsable": "Shape is {{braces}}",
        "edit.several_blocks": "Blocks: {count}.",
        "edit.missing": "Gone: {path}",
        "edit.not_found": "Nowhere in {path}.",
        "edit.not_found_hint": "Mind the gap.",
        "edit.not_unique": "At {lines} of {path}",
        "submit.unreadable": "Unreadable {path}.",
        "submit.empty": "Hollow {path}.",
        "submit.no_diff": "Not diff {path}.",
        "submit.review": "Got {submission}",
    }
    # Not in the checkout, not usable (`{unheard_of}`), or not known to the original.
    assert {"create.done", "result.output", "edit.done", "restored"} <= set(imported.missing)
    assert set(imported.missing) | set(imported.found) == set(TEXTS)
    assert all(imported.texts.templates[key] == default.templates[key] for key in imported.missing)


def test_a_folder_without_the_files_is_no_checkout(tmp_path: Path) -> None:
    with pytest.raises(TextError, match="clone that repository"):
        import_original(tmp_path, load("default"))


def cli(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "cwm_agent", "prompts", *arguments],
        cwd=ROOT,
        env={**os.environ, "XDG_CONFIG_HOME": str(home), "HOME": str(home)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_command_imports_lists_and_shows(tmp_path: Path, checkout: Path) -> None:
    imported = cli(tmp_path, "import", str(checkout))
    assert imported.returncode == 0, imported.stderr
    assert Path(imported.stdout.strip()).name == "original.yaml"
    assert "create.done" in imported.stderr
    rows = json.loads(cli(tmp_path, "ls", "--json").stdout)
    assert [row["name"] for row in rows] == ["default", "nano", "original"]
    shown = json.loads(cli(tmp_path, "show", "original", "--json").stdout)
    assert shown["hash"] == rows[2]["hash"]
    assert shown["texts"]["format.no_call"] == "FormatError: Saw none at all"
    assert (
        cli(tmp_path, "show", "original", "--key", "bash.fresh.timeout").stdout == "It was slow.\n"
    )
    wrong = cli(tmp_path, "import", str(tmp_path / "nowhere"))
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert wrong.stderr.startswith("error: ")
    assert len(wrong.stderr.splitlines()) == 1
