"""Rows as SWE-bench has them, graded by the official package."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from docker import DockerClient

NOTHING = """diff --git a/nothing.txt b/nothing.txt
new file mode 100644
--- /dev/null
+++ b/nothing.txt
@@ -0,0 +1 @@
+nothing
"""
"""A patch without effect; empty ones are not graded at all."""

EVAL_SCRIPT = """#!/bin/bash
set -uxo pipefail
source /opt/miniconda3/bin/activate
conda activate testbed
cd /testbed
git config --global --add safe.directory /testbed
cd /testbed
git status
git show
git -c core.fileMode=false diff {base}
source /opt/miniconda3/bin/activate
conda activate testbed
{install}
git checkout {base} {files}
git apply -v - <<'EOF_114329324912'
{test_patch}
EOF_114329324912
: '>>>>> Start Test Output'
{command}
: '>>>>> End Test Output'
git checkout {base} {files}
"""


@dataclass(frozen=True, slots=True)
class Row:
    """One instance; `install` is run before the tests, as official scripts do."""

    instance: str
    image: str
    base: str
    test_patch: str
    files: tuple[str, ...]
    command: str
    fail_to_pass: tuple[str, ...]
    pass_to_pass: tuple[str, ...]
    install: str = "python -m pip install -e ."

    def as_dict(self) -> dict[str, Any]:
        """With the fields that swebench 5 reads."""
        script = EVAL_SCRIPT.format(
            base=self.base,
            install=self.install,
            files=" ".join(self.files),
            test_patch=self.test_patch,
            command=self.command,
        )
        return {
            "instance_id": self.instance,
            "image": self.image,
            "repo": "somebody/something",
            "version": "1.0",
            "FAIL_TO_PASS": list(self.fail_to_pass),
            "PASS_TO_PASS": list(self.pass_to_pass),
            "log_parser": "parse_log_pytest",
            "eval_type": "pass_and_fail",
            "eval_script": script,
        }


class _Offline:
    """An engine whose containers have no network: images must need nothing when graded."""

    def __init__(self, client: DockerClient) -> None:
        self._client = client
        self.containers = self
        self.get = client.containers.get

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def create(self, **options: Any) -> Any:
        return self._client.containers.create(**options, network_mode="none")


def graded(client: DockerClient, row: Row, patch: str, run: str) -> dict[str, Any]:
    """The official report on one patch, made without a network; logs go to the working folder."""
    from swebench.harness.run_evaluation import run_instance
    from swebench.harness.utils import make_test_spec

    prediction = {
        "instance_id": row.instance,
        "model_name_or_path": "test",
        "model_patch": patch,
    }
    spec = make_test_spec(row.as_dict())
    outcome = run_instance(spec, prediction, _Offline(client), run, timeout=600)
    log = Path("logs/run_evaluation") / run / "test" / row.instance / "run_instance.log"
    assert outcome is not None, log.read_text()
    report: dict[str, Any] = outcome[1][row.instance]
    return report


def diff_of(tree: Path) -> str:
    """What was changed in a checkout, which is then put back."""
    command = ["git", "-C", str(tree), "diff", "--no-color", "--no-ext-diff"]
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    subprocess.run(["git", "-C", str(tree), "checkout", "-q", "--", "."], check=True)
    return text
