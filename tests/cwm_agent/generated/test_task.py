"""Generated tasks: reproducible, wrong where they say so, with held-out parts kept apart."""

from __future__ import annotations

import sys

import pytest

from cwm_agent.generated import issue_text
from cwm_agent.generated.probes import LEAST_CHANGED, outcomes
from cwm_agent.generated.repository import TEST_FILE, hidden_tests
from cwm_agent.generated.splits import is_held_out, templates_of
from cwm_agent.generated.task import PACKAGES, NanoTask, Split, draw_task

SEEDS = range(25)
SPLITS: tuple[Split, ...] = ("train", "seen", "unseen", "phrasing")


@pytest.fixture(scope="module", params=SPLITS)
def tasks(request: pytest.FixtureRequest) -> list[NanoTask]:
    return [draw_task(str(seed), request.param) for seed in SEEDS]


def test_a_seed_gives_the_same_task_and_another_seed_another(tasks: list[NanoTask]) -> None:
    again = [draw_task(task.seed, task.split) for task in tasks]
    assert [task.files for task in again] == [task.files for task in tasks]
    assert len({task.issue.text for task in tasks}) == len(tasks)


def test_sets_do_not_share_tasks() -> None:
    assert draw_task("1", "train").files != draw_task("1", "seen").files


def test_the_quoted_call_is_wrong_in_the_repository_and_right_without_the_bug(
    tasks: list[NanoTask],
) -> None:
    for task in tasks:
        for bug in task.bugs:
            for files, wanted in (
                (task.files, bug.shown.wrong),
                (task.right_files, bug.shown.right),
            ):
                found = outcomes(files[bug.module], bug.function.name, [bug.shown.arguments])
                assert found == [wanted]
            assert bug.shown.right != bug.shown.wrong
            assert bug.shown.right.text in task.issue.text


def test_a_bug_changes_several_results_in_one_line(tasks: list[NanoTask]) -> None:
    for task in tasks:
        for bug in task.bugs:
            assert sum(probe.right != probe.wrong for probe in bug.probes) >= LEAST_CHANGED
            before = bug.function.source.split("\n")
            after = bug.wrong_source.split("\n")
            assert sum(a != b for a, b in zip(before, after, strict=True)) == 1


def test_held_out_templates_are_drawn_only_for_the_unseen_set(tasks: list[NanoTask]) -> None:
    for task in tasks:
        for bug in task.bugs:
            assert is_held_out(bug.function.template) == (task.split == "unseen")


def test_no_package_hides_behind_one_of_python() -> None:
    assert not set(PACKAGES) & sys.stdlib_module_names


def test_held_out_phrasings_share_no_form_with_the_trained_ones() -> None:
    assert not set(issue_text.HELD_OUT) & set(issue_text.TRAINED)


def test_there_are_hundreds_of_templates_and_some_of_each_kind_are_held_out() -> None:
    trained = {template.name for template in templates_of("trained")}
    held_out = {template.name for template in templates_of("held_out")}
    assert len(trained) > 1000
    assert len(held_out) > 100
    assert not trained & held_out


def test_hidden_tests_name_failing_and_passing_ones(tasks: list[NanoTask]) -> None:
    for task in tasks:
        tests = hidden_tests(task)
        assert tests.fail_to_pass
        assert not set(tests.fail_to_pass) & set(tests.pass_to_pass)
        source = tests.files[TEST_FILE].decode()
        for name in (*tests.fail_to_pass, *tests.pass_to_pass):
            assert f"def {name.partition('::')[2]}():" in source
