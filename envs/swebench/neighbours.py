"""Rows of SWE-bench's neighbours, brought into the form that swebench 5 grades.

Sources: `evaluation/evaluation.py` of microsoft/SWE-bench-Live at 70ec57e,
`swebench/harness/test_spec/` of SWE-rebench/SWE-bench-fork at 39316f7, and
`swe_bench_pro_eval.py` of scaleapi/SWE-bench_Pro-os at ca10a60.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from envs.errors import RowError

START, END = ": '>>>>> Start Test Output'", ": '>>>>> End Test Output'"
_HEREDOC = "EOF_114329324912"
_PATHS = re.compile(r"^diff --git a/.* b/(.*)$", re.MULTILINE)
_NO_TESTS = (
    *(".json", ".png", ".csv", ".txt", ".md", ".jpg", ".jpeg", ".pkl", ".yml", ".yaml", ".toml"),
)
"""Files of a test patch that are no tests; as in `get_default_test_directives` of swebench."""
_LIVE_IMAGES = "starryzhang/sweb.eval.x86_64."
_REBENCH_IMAGES = "swerebench/sweb.eval.x86_64."


def adopted(row: Mapping[str, Any], where: str) -> Mapping[str, Any]:
    """The row with the fields that swebench 5 reads; unchanged where it is of another origin.

    Raises RowError for a neighbour's row that swebench 5 cannot grade, with the reason.
    """
    if row.get("eval_script"):
        return row
    if "selected_test_files_to_run" in row or "before_repo_set_cmd" in row:
        raise RowError(
            f"{where}: {row.get('instance_id')} is of SWE-bench Pro: its test script and parser "
            "are programs beside the data set, which swebench 5 cannot run; grade the patches with "
            "swe_bench_pro_eval.py of scaleapi/SWE-bench_Pro-os"
        )
    if row.get("test_cmds") is not None:
        return _live(row, where)
    if row.get("install_config") is not None:
        return _rebench(row, where)
    return row


def _live(row: Mapping[str, Any], where: str) -> Mapping[str, Any]:
    """SWE-bench-Live: commands in the row, and a parser by name (`pytest`) or as a program."""
    name = str(row.get("instance_id"))
    parser = str(row.get("log_parser") or row.get("parser") or "").strip()
    if parser.lower() != "pytest":
        raise RowError(
            f"{where}: {name} is of SWE-bench-Live and its log parser is a program in the row, not "
            "pytest's; swebench 5 knows parsers by name only: use the rows of the Python data set "
            "(SWE-bench-Live/SWE-bench-Live)"
        )
    tests = [*_texts(row, "test_cmds"), *_texts(row, "print_cmds")]
    # Its own grader types the commands into a shell of the image, which has read this file.
    shell = ["set +u", "[ ! -f ~/.bashrc ] || source ~/.bashrc", "set -u"]
    script = _script(row, shell, _texts(row, "rebuild_cmds"), tests)
    image = row.get("docker_image") or _LIVE_IMAGES + _tag(name)
    return _with(row, image, "parse_log_pytest", script)


def _rebench(row: Mapping[str, Any], where: str) -> Mapping[str, Any]:
    """SWE-rebench: `install_config` says how to install and test; its parsers have names."""
    from swebench.harness.log_parsers import PARSER_REGISTRY

    name = str(row.get("instance_id"))
    config = row["install_config"]
    try:
        config = json.loads(config) if isinstance(config, str) else config
        parser, command = str(config["log_parser"]), config["test_cmd"]
    except (ValueError, TypeError, LookupError) as error:
        raise RowError(
            f"{where}: {name}: install_config has no log_parser and test_cmd, which SWE-rebench's "
            f"rows are graded by ({type(error).__name__})"
        ) from error
    if parser not in PARSER_REGISTRY:
        raise RowError(
            f"{where}: {name}: swebench 5 has no log parser {parser!r}; leave the row out (--match)"
        )
    patch = str(row.get("test_patch") or "")
    directives = [path for path in _PATHS.findall(patch) if not path.endswith(_NO_TESTS)]
    last = command[-1] if isinstance(command, list) else command
    install = [config["install"]] if config.get("install") else []
    before = [
        "source /opt/miniconda3/bin/activate", "conda activate testbed",
        *(config.get("eval_commands") or []),
    ]  # fmt: skip
    script = _script(row, before, install, [" ".join([str(last), *directives])])
    image = row.get("docker_image") or row.get("image_name") or _REBENCH_IMAGES + _tag(name)
    return _with(row, image, parser, script)


def _script(
    row: Mapping[str, Any], before: Sequence[str], build: Sequence[str], tests: Sequence[str]
) -> str:
    """The official form of a script: restore the test files, patch them, build, test, restore."""
    patch, base = str(row.get("test_patch") or ""), row.get("base_commit")
    files = " ".join(_PATHS.findall(patch))
    restore = [f"git checkout {base} {files}"] if files else []
    applied = [f"git apply -v - <<'{_HEREDOC}'\n{patch.rstrip()}\n{_HEREDOC}"] if files else []
    lines = [
        "#!/bin/bash", "set -uxo pipefail", *before, "cd /testbed",
        "git config --global --add safe.directory /testbed", *restore, *applied, *build,
        START, *tests, END, *restore,
    ]  # fmt: skip
    return "\n".join(map(str, lines)) + "\n"


def _with(row: Mapping[str, Any], image: str, parser: str, script: str) -> Mapping[str, Any]:
    known = {
        "version": row.get("version") or "",
        "image": image if ":" in image.rpartition("/")[2] else f"{image}:latest",
        "log_parser": parser,
        "eval_type": "pass_and_fail",
        "eval_script": script,
    }
    return {**row, **known}


def _tag(name: str) -> str:
    return name.replace("__", "_1776_").lower()


def _texts(row: Mapping[str, Any], field: str) -> list[str]:
    """A field that holds a list of commands, or its JSON text."""
    value = row.get(field) or []
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            value = [value]
    return [str(text) for text in value]
