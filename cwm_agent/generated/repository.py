"""A generated task as a real one: a git repository on disk, an issue, hidden tests."""

from __future__ import annotations

import hashlib
import json
import secrets
import tempfile
from pathlib import Path

from filelock import FileLock
from platformdirs import user_cache_path

from cwm_agent.errors import UsageError
from cwm_agent.generated.probes import Probe
from cwm_agent.generated.task import MEASURED, NanoTask, draw_task
from envs.repository.releases import make_repository
from envs.task import HiddenTests, IssueTask

TEST_FILE = "tests/hidden/test_hidden.py"
RUNNER_FILE = "tests/hidden/run.py"
MOST_PROBES = 20
"""Calls of a function that are tested."""

RUNNER = '''\
"""Runs the tests beside this file and prints pytest's summary: an image needs no pytest."""

import importlib.util
import os
import sys

sys.path.insert(0, os.getcwd())
PATH = "tests/hidden/test_hidden.py"
failed = 0
print("=========================== short test summary info ============================")
try:
    spec = importlib.util.spec_from_file_location("test_hidden", PATH)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
except Exception as error:
    print(f"ERROR {PATH} - {type(error).__name__}")
    sys.exit(1)
for name, test in list(vars(module).items()):
    if name.startswith("test_"):
        try:
            test()
            print(f"PASSED {PATH}::{name}")
        except Exception as error:
            failed = 1
            print(f"FAILED {PATH}::{name} - {type(error).__name__}")
sys.exit(failed)
'''


def named_task(name: str) -> NanoTask:
    """The task `SEED` or `SET/SEED`; the set is `seen` and the seed random where they are missing.

    Raises UsageError for an unknown set, and for several tasks at once.
    """
    if ".." in name:
        raise UsageError(
            f"nano:{name} is not one task; a range is for `cwm-agent run nano:SET/1..40`"
        )
    split, slash, seed = name.partition("/")
    if not slash:
        split, seed = "seen", name
    for known in MEASURED:
        if known == split:
            return draw_task(seed or secrets.token_hex(4), known)
    raise UsageError(f"unknown set of generated tasks '{split}'; choose from {', '.join(MEASURED)}")


def generated_task(name: str) -> IssueTask:
    """A named task with its repository, written into the user's cache; raises UsageError."""
    task = named_task(name)
    # By content: what an older version drew may differ, and other runs may be copying it.
    digest = hashlib.sha256(json.dumps(task.files, sort_keys=True).encode()).hexdigest()[:12]
    cache = user_cache_path("cwm-agent") / "nano"
    return issue_task(task, repository_once(task, cache / f"{instance_name(task)}-{digest}"))


def repository_once(task: NanoTask, folder: Path) -> Path:
    """The repository in `folder`, written if it is not there; several may ask at once."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{folder}.lock"):
        if not folder.exists():
            with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
                write_repository(task, Path(scratch) / "new").rename(folder)
    return folder


def write_repository(task: NanoTask, folder: Path) -> Path:
    """The repository as the model finds it, with one commit; `folder` must not exist."""
    for path, text in task.files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, "utf-8")
    make_repository(folder, "The code of today")
    return folder


def issue_task(task: NanoTask, repository: Path | None) -> IssueTask:
    """The task for the environment and the judge."""
    return IssueTask(
        instance=instance_name(task),
        issue=task.issue.text,
        repository=repository,
        tests=hidden_tests(task),
    )


def instance_name(task: NanoTask) -> str:
    """Such as `nano-seen-17`."""
    return f"nano-{task.split}-{task.seed}".replace("/", "-")


def hidden_tests(task: NanoTask) -> HiddenTests:
    """Tests of the wrong functions, by the calls that were probed, and of their neighbours."""
    module = task.bugs[0].module.removesuffix(".py").replace("/", ".")
    tests: dict[str, str] = {}
    failing: list[str] = []
    for bug in task.bugs:
        shown = [bug.shown, *(probe for probe in bug.probes if probe != bug.shown)]
        for number, probe in enumerate(_usable(shown)):
            name = f"test_{bug.function.name}_{number}"
            tests[name] = _test(name, bug.function.name, probe)
            if probe.right != probe.wrong:
                failing.append(f"{TEST_FILE}::{name}")
    for key, probes in task.others.items():
        function = key.partition(":")[2]
        for number, probe in enumerate(_usable(list(probes))):
            name = f"test_{function}_{number}"
            tests[name] = _test(name, function, probe)
    names = sorted(
        {bug.function.name for bug in task.bugs} | {k.partition(":")[2] for k in task.others}
    )
    source = f"from {module} import {', '.join(names)}\n" + "".join(tests.values())
    every = [f"{TEST_FILE}::{name}" for name in tests]
    return HiddenTests(
        files={TEST_FILE: source.encode(), RUNNER_FILE: RUNNER.encode()},
        command=f"python {RUNNER_FILE}",
        fail_to_pass=tuple(failing),
        pass_to_pass=tuple(test for test in every if test not in failing),
        timeout=60.0,
    )


def _usable(probes: list[Probe]) -> list[Probe]:
    return [probe for probe in probes if not probe.right.raised][:MOST_PROBES]


def _test(name: str, function: str, probe: Probe) -> str:
    return f"\n\ndef {name}():\n    assert {function}({probe.arguments}) == {probe.right.text}\n"
