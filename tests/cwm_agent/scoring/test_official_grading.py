"""Real bugs from the public package index, in images built here, graded by the official package.

Everything comes from package indexes: the releases with and without the bug,
the pins, and the base image's Debian packages.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from fixed_releases import fixed_release

from cwm_agent.tasks import examples
from envs.docker.engine import connect_engine
from envs.images.access import ImageAccess
from envs.images.ledger import Ledger
from envs.images.store import ImageStore
from envs.swebench.testbed_image import RepositoryImage, build_repository_image

from ...envs.official import NOTHING, Row, diff_of, graded

PREFIX = "cwm-agent-test/official-"
REPAIRS = {
    "flask-blueprint-name": (
        "src/flask/blueprints.py",
        '        if "." in name:\n            raise',
        "        if not name:\n            raise ValueError(\"'name' may not be empty.\")\n\n"
        '        if "." in name:\n            raise',
    ),
    "sqlparse-hints": ("sqlparse/filters/others.py", None, None),
}
"""By example: the file to repair, and what to replace in it; None takes the fixed release's."""


@dataclass(frozen=True, slots=True)
class Instance:
    """A row for the grader, and the patch that resolves it."""

    row: Row
    gold: str


@pytest.fixture(scope="module")
def access(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ImageAccess]:
    client = connect_engine(timeout=1800)
    ledger = Ledger(tmp_path_factory.mktemp("state") / "images.json")
    yield ImageAccess(ImageStore(client, ledger, PREFIX))
    for kind in ("testbed", "environment"):
        for image in client.images.list(PREFIX + kind):
            client.images.remove(image.id, force=True)
    client.close()


def instance_of(name: str, access: ImageAccess, scratch: Path) -> Instance:
    """An example as a row: the released tests are the hidden ones."""
    task, fixed = examples.load(name).task, fixed_release(name)
    assert task.repository is not None
    assert task.recipe is not None
    assert task.tests is not None
    wanted = RepositoryImage(
        str(task.repository), recipe=task.recipe, python="3.11", network="host"
    )
    built = build_repository_image(access, wanted)
    tree = scratch / name
    subprocess.run(["git", "clone", "-q", task.repository, tree], check=True)
    place, old, new = REPAIRS[name]
    text = (tree / place).read_text()
    (tree / place).write_text(text.replace(old, new) if old else (fixed / place).read_text())
    gold = diff_of(tree)
    for path, content in task.tests.files.items():
        (tree / path).write_bytes(content)
    row = Row(
        instance=f"example__{name}-1",
        image=built.name,
        base=built.commit,
        test_patch=diff_of(tree),
        files=tuple(task.tests.files),
        command=task.tests.command,
        fail_to_pass=task.tests.fail_to_pass,
        pass_to_pass=PASSING[name],
        install="true",
    )
    return Instance(row, gold)


PASSING = {
    "flask-blueprint-name": (
        "tests/test_blueprints.py::test_dotted_name_not_allowed",
        "tests/test_blueprints.py::test_nested_blueprint",
    ),
    "sqlparse-hints": ("tests/test_format.py::TestFormat::test_strip_comments_single",),
}


@pytest.mark.slow
@pytest.mark.docker
@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", sorted(REPAIRS))
def test_gold_is_resolved_and_a_patch_without_effect_is_not(
    name: str, access: ImageAccess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    instance = instance_of(name, access, tmp_path)
    monkeypatch.chdir(tmp_path)
    right = graded(access.store.client, instance.row, instance.gold, "gold")
    assert right["resolved"] is True, right
    wrong = graded(access.store.client, instance.row, NOTHING, "nothing")
    assert (wrong["resolved"], wrong["infra_failure"]) == (False, False)
    tests = wrong["tests_status"]
    assert tests["FAIL_TO_PASS"]["failure"] == list(instance.row.fail_to_pass)
    assert tests["PASS_TO_PASS"]["failure"] == []
