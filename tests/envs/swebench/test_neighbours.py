"""Rows of SWE-bench-Live, SWE-rebench and SWE-bench Pro: graded by swebench 5, or refused."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from envs.errors import RowError
from envs.swebench.grader import Grader
from envs.swebench.neighbours import adopted
from envs.swebench.rows import SINCE_5, read_instance

from ..graded import Greetings, greetings_image
from ..official import NOTHING
from ..swebench_rows import row

TEST_PATCH = (
    "diff --git a/tests/test_greet.py b/tests/test_greet.py\n--- a/tests/test_greet.py\n"
    "+++ b/tests/test_greet.py\n@@ -1 +1 @@\n-x\n+y\n"
)
COMMAND = "python -m pytest -rA"


def classic(**changes: Any) -> dict[str, Any]:
    """What all of them have in common."""
    whole = row(test_patch=TEST_PATCH, **changes)
    return {name: value for name, value in whole.items() if name not in SINCE_5}


def live(**changes: Any) -> dict[str, Any]:
    """A row in the columns of SWE-bench-Live (Python); its tests are lists."""
    return classic(
        FAIL_TO_PASS=["tests/test_greet.py::test_greets"], PASS_TO_PASS=[], rebuild_cmds=[],
        test_cmds=[f"{COMMAND} tests/test_greet.py"], print_cmds=[], log_parser="pytest",
    ) | {"log_parser": "pytest"} | changes  # fmt: skip


def rebench(**changes: Any) -> dict[str, Any]:
    """A row in the columns of SWE-rebench."""
    config = {
        "python": "3.9", "install": "true", "test_cmd": COMMAND, "log_parser": "parse_log_pytest",
    }  # fmt: skip
    return classic() | {"install_config": config, "meta": {"llm_score": {}}} | changes


@pytest.mark.parametrize(
    ("raw", "image"),
    [
        (live(), "starryzhang/sweb.eval.x86_64.somebody_1776_greet-1:latest"),
        (live(docker_image="mine/greet:3"), "mine/greet:3"),
        (rebench(), "swerebench/sweb.eval.x86_64.somebody_1776_greet-1:latest"),
        (rebench(image_name="mine/greet"), "mine/greet:latest"),
    ],
)
def test_a_row_gets_what_swebench_5_reads(raw: dict[str, Any], image: str) -> None:
    found = read_instance(raw, "row")
    assert found.image == image
    assert found.row["log_parser"] == "parse_log_pytest"
    script = str(found.row["eval_script"])
    assert script.index("git apply") < script.index("Start Test Output") < script.index(COMMAND)
    assert f"{COMMAND} tests/test_greet.py\n: '>>>>> End Test Output'" in script


def test_install_config_may_be_json_and_steer_the_script() -> None:
    config = {
        "install": "pip install -e .", "log_parser": "parse_log_pytest_v2",
        "test_cmd": ["prepare", "pytest -q"], "eval_commands": ["export A=1"],
    }  # fmt: skip
    script = adopted(rebench(install_config=json.dumps(config)), "row")["eval_script"]
    assert script.index("export A=1") < script.index("pip install -e .") < script.index("pytest -q")
    assert "prepare" not in script


def test_a_row_that_has_what_swebench_5_reads_is_left_alone() -> None:
    raw = row(test_cmds=["other"])
    assert adopted(raw, "row") is raw


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (live(log_parser="def parser(log): ..."), "by name only"),
        (rebench(install_config={"test_cmd": "pytest", "log_parser": "parse_log_own"}), "own"),
        (rebench(install_config="{"), "install_config"),
        (rebench(install_config=[]), "install_config"),
        (classic() | {"selected_test_files_to_run": "[]", "dockerhub_tag": "x"}, "SWE-bench Pro"),
    ],
)
def test_what_swebench_5_cannot_grade_is_refused_with_the_reason(
    raw: dict[str, Any], said: str
) -> None:
    with pytest.raises(RowError, match=said):
        read_instance(raw, "row")


@pytest.fixture(scope="module")
def greetings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Greetings, str]]:
    """A repository with bugs, and an image of it."""
    found = Greetings(tmp_path_factory.mktemp("greetings"))
    with greetings_image(found, tmp_path_factory.mktemp("state")) as image:
        yield found, image


@pytest.mark.slow
@pytest.mark.docker
@pytest.mark.parametrize("form", ["live", "rebench"])
def test_the_official_grader_judges_them(
    greetings: tuple[Greetings, str], tmp_path: Path, form: str
) -> None:
    repository, image = greetings
    official = repository.row("greet", image)
    patch = official["eval_script"].partition("git apply -v - <<'EOF_114329324912'\n")[2]
    common = {
        **{name: value for name, value in official.items() if name not in SINCE_5},
        "test_patch": patch.partition("EOF_114329324912")[0], "docker_image": image,
    }  # fmt: skip
    file = "tests/test_greet.py"
    own = {
        "live": {"test_cmds": [f"{COMMAND} {file}"], "log_parser": "pytest"},
        "rebench": {"install_config": rebench()["install_config"]},
    }[form]
    instance = read_instance({**common, **own}, "row")
    with Grader(tmp_path) as grader:
        assert grader.grade(instance.row, instance.gold).outcome == "resolved"
        assert grader.grade(instance.row, NOTHING).outcome == "unresolved"
