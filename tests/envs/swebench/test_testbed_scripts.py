"""The stand-in for conda in the shells that graders and agents use."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from envs.swebench.testbed_scripts import CONDA, conda_functions, repository_script


@pytest.fixture
def conda(tmp_path: Path) -> Path:
    """The functions, for a root of the test's own with the environments `testbed` and `other`."""
    root = tmp_path / "conda"
    for name in ("testbed", "other"):
        (root / "envs" / name / "bin").mkdir(parents=True)
    (root / "bin").mkdir()
    (root / "conda.sh").write_text(conda_functions().replace(CONDA, str(root)))
    return root


def told(shell: str, conda: Path, script: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [shell, "-euc", f". {conda}/conda.sh\n{script}"],
        env={"PATH": "/usr/bin:/bin"}, capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.mark.parametrize("shell", ["sh", "bash"])
def test_activation_replaces_what_was_active(conda: Path, shell: str) -> None:
    script = (
        "for name in testbed other base testbed testbed; do\n"
        "conda activate $name; echo $CONDA_DEFAULT_ENV $PATH; done\n"
        "conda deactivate; echo $CONDA_DEFAULT_ENV $PATH"
    )
    done = told(shell, conda, script)
    rest = "/usr/bin:/bin"
    testbed, other = f"{conda}/envs/testbed/bin", f"{conda}/envs/other/bin"
    assert done.stdout.splitlines() == [
        f"testbed {testbed}:{rest}",
        f"other {other}:{rest}",
        f"base {conda}/bin:{rest}",
        f"testbed {testbed}:{rest}",
        f"testbed {testbed}:{rest}",
        f"base {conda}/bin:{rest}",
    ]
    assert done.stderr == ""


@pytest.mark.parametrize("shell", ["sh", "bash"])
def test_what_it_cannot_do_it_says(conda: Path, shell: str) -> None:
    assert "no environment none" in told(shell, conda, "conda activate none").stderr
    refused = told(shell, conda, "conda install numpy")
    assert refused.returncode == 1
    assert "knows only activate" in refused.stderr


@pytest.mark.parametrize("shell", ["sh", "bash"])
def test_a_command_can_run_in_an_environment(conda: Path, shell: str) -> None:
    tool = conda / "envs" / "testbed" / "bin" / "tool"
    tool.write_text('#!/bin/sh\necho "$CONDA_DEFAULT_ENV: $*"\nexit 7\n')
    tool.chmod(0o755)
    done = told(shell, conda, "conda run --no-capture-output -n testbed tool -n 'a b'")
    assert (done.stdout, done.returncode) == ("testbed: -n a b\n", 7)
    listed = told(shell, conda, "conda env list").stdout
    assert [line.split()[0] for line in listed.splitlines()] == ["other", "testbed"]


def test_install_commands_are_bash_and_stop_at_the_first_failure(tmp_path: Path) -> None:
    script = repository_script(["set -o | grep -q 'pipefail.*on'", "false | true", "echo reached"])
    script = script.replace("cd /testbed", f"cd {tmp_path}")
    done = subprocess.run(["sh", "-euc", script], capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "reached" not in done.stdout
