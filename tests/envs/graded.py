"""Two synthetic instances in one image of the official shape, and the repository behind them."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from envs.docker.engine import connect_engine
from envs.images.access import ImageAccess
from envs.images.ledger import Ledger
from envs.images.store import ImageStore
from envs.swebench.testbed_image import RepositoryImage, build_repository_image
from envs.task import Recipe

from ..shared_images import shared_image_prefix
from .official import EVAL_SCRIPT, diff_of
from .swebench_rows import row

PINS = (
    "pytest==8.4.2",
    "iniconfig==2.3.1",
    "packaging==26.3",
    "pluggy==1.7.0",
    "Pygments==2.21.0",
)
BUGGY = (
    "def greet(name):\n    return 'Hello ' + name.upper()\n\n\n"
    "def part(name):\n    return 'Bye ' + name.upper()\n"
)
IMPORT = "from greet import greet, part\n\n\n"
TESTS = {
    "greet": f"{IMPORT}def test_short():\n    assert greet('A') == 'Hello A'\n",
    "part": f"{IMPORT}def test_short():\n    assert part('A') == 'Bye A'\n",
}
HIDDEN = (
    "\n\ndef test_long():\n    assert {call}\n"
    "\n\ndef test_types():\n    assert greet('') == 'Hello '\n"
)
CALLS = {"greet": "greet('Ada') == 'Hello Ada'", "part": "part('Ada') == 'Bye Ada'"}
NAMES = {"greet": "somebody__greet-1", "part": "somebody__greet-2"}
HANGING = "import time\n\ntime.sleep(600)\n"
FORGING = """import pytest


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    report = (yield).get_result()
    report.outcome = 'passed'
"""


def git(folder: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=a", "-c", "user.email=a@localhost"]
    command = ["git", "-C", str(folder), *identity, *arguments]
    # The same commit in every file of tests, so that they share one image.
    dates = dict.fromkeys(("GIT_AUTHOR_DATE", "GIT_COMMITTER_DATE"), "2026-01-01T00:00:00Z")
    return subprocess.run(
        command, check=True, capture_output=True, text=True, env=os.environ | dates
    ).stdout


class Greetings:
    """The repository: rows and patches for it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "tests").mkdir(parents=True)
        git(folder, "init", "-q", "-b", "main")
        (folder / "greet.py").write_text(BUGGY)
        for name, text in TESTS.items():
            (folder / "tests" / f"test_{name}.py").write_text(text)
        git(folder, "add", "-A")
        git(folder, "commit", "-qm", "Start")
        self.commit = git(folder, "rev-parse", "HEAD").strip()

    def patch(self, path: str, text: str) -> str:
        """The diff that writes `text` to `path`."""
        (self.folder / path).write_text(text)
        git(self.folder, "add", "--intent-to-add", "-A")
        diff = git(self.folder, "diff")
        git(self.folder, "reset", "-q", "--hard")
        git(self.folder, "clean", "-qfd")
        return diff

    def fix(self, name: str) -> str:
        """The diff that repairs one of the two functions."""
        before, rest = BUGGY.split(f"def {name}(")
        return self.patch("greet.py", f"{before}def {name}({rest.replace('.upper()', '', 1)}")

    def row(self, name: str, image: str) -> dict[str, Any]:
        """The instance that wants one of the two functions repaired."""
        file = f"tests/test_{name}.py"
        (self.folder / file).write_text(TESTS[name] + HIDDEN.format(call=CALLS[name]))
        script = EVAL_SCRIPT.format(
            base=self.commit,
            install="true",
            files=file,
            test_patch=diff_of(self.folder),
            command=f"python -m pytest -rA {file}",
        )
        return row(
            NAMES[name],
            image=image,
            base_commit=self.commit,
            patch=self.fix(name),
            eval_script=script,
            FAIL_TO_PASS=[f"{file}::test_long"],
            PASS_TO_PASS=[f"{file}::test_short", f"{file}::test_types"],
        )


@contextmanager
def greetings_image(greetings: Greetings, state: Path) -> Iterator[str]:
    """The name of an image of the repository, which lasts as long as the tests do."""
    client = connect_engine(timeout=1800)
    prefix = shared_image_prefix()
    access = ImageAccess(ImageStore(client, Ledger(state / "images.json"), prefix))
    wanted = RepositoryImage(str(greetings.folder), recipe=Recipe(pip=PINS))
    yield build_repository_image(access, wanted).name
    client.close()
