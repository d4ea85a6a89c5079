"""Rows of SWE-bench: what they must have, and what of them a task may know."""

from __future__ import annotations

import json

import pytest

from envs.errors import RowError
from envs.swebench.rows import CLASSIC, SINCE_5, read_instance, read_instances

from ..swebench_rows import GOLD, row


def test_a_row_becomes_a_task_without_hints_or_tests() -> None:
    instance = read_instance(row(), "rows.jsonl")
    task = instance.task()
    assert (task.instance, task.issue) == ("somebody__greet-1", "Greetings shout.")
    assert task.image == "swebench/sweb.eval.x86_64.somebody_1776_greet-1:latest"
    assert (task.root, task.repository, task.tests) == ("/testbed", None, None)
    assert "upper" not in repr(task)
    assert (instance.gold, instance.difficulty) == (GOLD, "<15 min fix")


def test_the_official_package_reads_what_is_kept_of_a_row() -> None:
    from swebench.harness.utils import make_test_spec

    original = row(PASS_TO_PASS=["a", "b"])
    assert make_test_spec(dict(read_instance(original, "").row)) == make_test_spec(original)


@pytest.mark.parametrize("field", SINCE_5)
def test_a_row_of_an_old_revision_names_the_one_to_take(field: str) -> None:
    old = row()
    del old[field]
    with pytest.raises(
        RowError, match=f"lacks {field}, .*`main` of August 2026.*swebench-verified"
    ):
        read_instance(old, "rows.jsonl")


@pytest.mark.parametrize("field", CLASSIC)
def test_something_else_is_no_row(field: str) -> None:
    other = row()
    del other[field]
    with pytest.raises(RowError, match=rf"rows.jsonl.* lacks {field}; it is not a SWE-bench row"):
        read_instance(other, "rows.jsonl")


@pytest.mark.parametrize("value", ["[", "1", "[1]", 5])
def test_tests_must_be_a_list_of_names(value: object) -> None:
    with pytest.raises(RowError, match="FAIL_TO_PASS is not a list of tests"):
        read_instance(row(FAIL_TO_PASS=value), "rows.jsonl")


@pytest.mark.parametrize("name", ["../x", "a/b", "-a", "a b"])
def test_an_id_must_be_fit_for_a_container_and_a_folder(name: str) -> None:
    with pytest.raises(RowError, match="not a valid container name"):
        read_instance(row(name), "rows.jsonl")


def test_an_id_occurs_once() -> None:
    with pytest.raises(RowError, match="somebody__greet-1 occurs twice"):
        read_instances([row(), row()], "rows.jsonl")


def test_the_key_follows_what_a_verdict_depends_on() -> None:
    base = read_instance(row(), "").key
    assert read_instance(row(problem_statement="other", patch="other"), "").key == base
    assert read_instance(row(FAIL_TO_PASS=json.dumps(["other"])), "").key != base
    assert read_instance(row(eval_script="other"), "").key != base
