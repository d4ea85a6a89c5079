"""Judging by JUnit files and exit codes, in both sandboxes; what the judge keeps."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from envs.bubblewrap.sandbox import BubblewrapSandbox
from envs.docker.sandbox import DockerSandbox
from envs.errors import SandboxError
from envs.images.recipes import base_image
from envs.repository.reports import EXIT_CODE
from envs.repository.verify import Verifier
from envs.sandbox.owner import boot_id
from envs.sandbox.sandbox import Owner, Sandbox, SandboxLimits
from envs.task import HiddenTests, IssueTask

OWNER = Owner("tests", "verify", 0, os.getpid(), boot_id())
RUNNER = """
test=failure; code=1
if grep -q 'return name' greet.sh; then test=ok; code=0; fi
echo "ran the tests: $test"
[ ! -e forged ] || exit 0
mkdir -p 'out dir/deep'
printf '<testsuite><testcase classname="greet" name="long"><%s/></testcase></testsuite>' $test \\
    > 'out dir/deep/TEST-1.xml'
printf '<testsuite><testcase classname="greet" name="short"/></testsuite>' > 'out dir/TEST-2.xml'
exit $code
"""
FIX = """diff --git a/greet.sh b/greet.sh
--- a/greet.sh
+++ b/greet.sh
@@ -1 +1 @@
-return nam
+return name
"""
FORGED = """diff --git a/forged b/forged
new file mode 100644
--- /dev/null
+++ b/forged
@@ -0,0 +1 @@
+x
diff --git a/out dir/TEST-1.xml b/out dir/TEST-1.xml
new file mode 100644
--- /dev/null
+++ b/out dir/TEST-1.xml
@@ -0,0 +1 @@
+<testsuite><testcase classname="greet" name="long"/></testsuite>
"""
IN_THE_WAY = """diff --git a/run/kept b/run/kept
deleted file mode 100644
--- a/run/kept
+++ /dev/null
@@ -1 +0,0 @@
-x
diff --git a/run b/run
new file mode 100644
--- /dev/null
+++ b/run
@@ -0,0 +1 @@
+I am a file
"""


@pytest.fixture(params=["bubblewrap", pytest.param("docker", marks=pytest.mark.docker)])
def make_sandbox(request: pytest.FixtureRequest) -> Callable[[], Sandbox]:
    if request.param == "bubblewrap":
        return lambda: BubblewrapSandbox(limits=SandboxLimits(), owner=OWNER)
    try:
        image = base_image(request.getfixturevalue("engine"))
    except SandboxError as error:
        pytest.skip(str(error))
    return lambda: DockerSandbox(image, limits=SandboxLimits(), owner=OWNER)


@pytest.fixture
def task(upstream: Any) -> IssueTask:
    root: Path = upstream.root
    (root / "greet.sh").write_text("return nam\n")
    (root / "run").mkdir()
    (root / "run" / "kept").write_text("x\n")
    upstream.commit("More")
    tests = HiddenTests({"run/tests.sh": RUNNER.encode()}, "bash run/tests.sh", ())
    return IssueTask("greet", "greet() fails", root, tests=tests)


def by(task: IssueTask, report: str, test: str) -> IssueTask:
    assert task.tests is not None
    return replace(task, tests=replace(task.tests, report=report, fail_to_pass=(test,)))


def test_junit_files_decide(task: IssueTask, make_sandbox: Callable[[], Sandbox]) -> None:
    kept: dict[str, str] = {}
    judged = by(task, "junit:out dir/**/TEST-*.xml", "greet::long")
    verifier = Verifier(make_sandbox)
    good = verifier.verify(judged, FIX, kept.__setitem__)
    assert (good.resolved, good.detail) == (True, "")
    assert good.fail_to_pass == {"greet::long": True}
    assert good.pass_to_pass == {"greet::short": True}
    assert kept == {"before": "ran the tests: failure\n", "after": "ran the tests: ok\n"}
    forged = verifier.verify(judged, FORGED, kept.__setitem__)
    assert not forged.resolved
    assert "left no report at out dir/**/TEST-*.xml (exit code 0)" in forged.detail
    barred = verifier.verify(judged, IN_THE_WAY)
    assert barred.fail_to_pass == {"greet::long": False}
    other = verifier.verify(judged, FIX.replace("-return nam", "-return nom"), kept.__setitem__)
    assert "the patch does not apply: error: patch failed: greet.sh:1" in other.detail
    assert kept["after"].endswith("error: greet.sh: patch does not apply")


def test_an_exit_code_decides(task: IssueTask, make_sandbox: Callable[[], Sandbox]) -> None:
    judged = by(task, "exit-code", EXIT_CODE)
    verifier = Verifier(make_sandbox)
    assert verifier.verify(judged, FIX).resolved
    nothing = verifier.verify(
        judged, FORGED.partition("diff --git a/out")[0].replace("forged", "f")
    )
    assert (nothing.resolved, nothing.fail_to_pass) == (False, {EXIT_CODE: False})
