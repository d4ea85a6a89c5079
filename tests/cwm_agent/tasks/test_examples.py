"""The examples that come with the project: complete, and real."""

from __future__ import annotations

import subprocess

import pytest

from cwm_agent.errors import UsageError
from cwm_agent.tasks import examples


def test_there_are_three_of_three_projects() -> None:
    assert examples.names() == ["boltons-onetoone", "flask-blueprint-name", "sqlparse-hints"]


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(UsageError, match=r"no example 'nothing'.*boltons-onetoone"):
        examples.load("nothing")


@pytest.mark.parametrize("name", examples.names())
def test_an_example_is_a_repository_with_the_bug_and_tests_from_the_fixed_release(
    name: str,
) -> None:
    example = examples.load(name)
    task = example.task
    assert task.repository is not None
    assert task.tests is not None
    status = subprocess.run(
        ["git", "-C", str(task.repository), "status", "--porcelain"], capture_output=True
    )
    assert (status.returncode, status.stdout) == (0, b"")
    assert example.conversation.is_file()
    for path, content in task.tests.files.items():
        assert (task.repository / path).read_bytes() != content
    for test in task.tests.fail_to_pass:
        path, *_, function = test.split("::")
        assert f"def {function}(".encode() in task.tests.files[path]
