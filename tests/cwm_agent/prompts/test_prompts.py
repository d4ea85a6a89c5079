"""Prompt packs: complete or refused, and the original read from a checkout."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest
import yaml

from cwm_agent.prompts.importer import import_original
from cwm_agent.prompts.packs import available, dump, load, problems, save
from cwm_agent.prompts.schema import NEEDED, TEXTS
from tools.errors import CallErrorKind
from tools.registry import TOOLS
from tools.texts import TextError, Texts

ROOT = Path(__file__).parents[3]


def rendered_texts() -> Iterator[tuple[str, frozenset[str]]]:
    """Key and variables of every text that tools and environments name in their code."""
    for room in ("tools", "envs"):
        for path in (ROOT / room).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if not isinstance(node, ast.Call):
                    continue
                called = ast.unparse(node.func)
                first = node.args[0] if node.args else None
                if not isinstance(first, ast.Constant):
                    continue
                names = frozenset(word.arg for word in node.keywords if word.arg)
                if called.endswith("texts.render"):
                    yield first.value, names
                elif called == "CallError":
                    yield f"format.{first.value}", names


def test_the_schema_is_what_the_code_uses() -> None:
    used = dict(rendered_texts()) | {spec.text_key: frozenset() for spec in TOOLS}
    assert {key: set(names) for key, names in used.items()} == {
        key: set(names) for key, names in TEXTS.items()
    }


def test_every_kind_of_call_error_has_a_text() -> None:
    kinds = {key.removeprefix("format.") for key in TEXTS if key.startswith("format.")}
    assert kinds - {"reply_cut"} == set(get_args(CallErrorKind))


def test_the_default_pack_is_complete() -> None:
    texts = load("default")
    assert problems(dict(texts.templates)) == []
    assert list(texts.templates) == list(TEXTS)


def test_a_pack_survives_printing_and_saving(tmp_path: Path) -> None:
    texts = Texts("mine", {**load("default").templates, "bash.lost": "  {{ö}}\n\n gone: \t# "})
    assert yaml.safe_load(dump(texts)) == dict(texts.templates)
    path = save(texts, "my own\nwords", folder=tmp_path)
    assert load("mine", folder=tmp_path).hash == texts.hash == load(str(path)).hash
    built_in = {"default": "built in", "nano": "built in"}
    assert available(folder=tmp_path) == {**built_in, "mine": str(path)}


@pytest.mark.parametrize(
    ("key", "text", "problem"),
    [
        ("bash.lost", None, "text 'bash.lost' is missing"),
        ("bash.lots", "x", "text 'bash.lots' is unknown"),
        ("bash.lost", 3, "not a string"),
        ("bash.lost", "{path}", "uses {path}; it may use no variable"),
        ("edit.missing", "{path.__class__}", "it may use path"),
        ("edit.missing", "{path!r}", "only plain {name}"),
        ("edit.missing", "{path:>9}", "only plain {name}"),
        ("edit.missing", "{}", "uses {}"),
        ("edit.missing", "{path", "stray brace"),
        ("task.issue", "Fix it in {repo_root}", "has to use {issue}"),
    ],
)
def test_an_incomplete_pack_is_refused_with_the_reason(
    tmp_path: Path, key: str, text: object, problem: str
) -> None:
    templates: dict[str, object] = {**load("default").templates, key: text}
    if text is None:
        del templates[key]
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump(templates))
    with pytest.raises(TextError) as caught:
        load(str(path))
    assert problem in str(caught.value)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("content", ["- a\n- b\n", "a: [", "", "\xff\xfe"])
def test_what_is_no_pack_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "bad.yaml"
    path.write_bytes(content.encode("latin-1"))
    with pytest.raises(TextError, match=r"bad\.yaml"):
        load(str(path))


def test_unknown_packs_name_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(TextError, match="there are: default"):
        load("fancy", folder=tmp_path)
    with pytest.raises(TextError, match="prompts import CHECKOUT"):
        load("original", folder=tmp_path)
    with pytest.raises(TextError, match="cannot read"):
        load(str(tmp_path / "absent.yaml"))


def test_needed_variables_are_allowed_ones() -> None:
    assert all(set(names) <= set(TEXTS[key]) for key, names in NEEDED.items())


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
