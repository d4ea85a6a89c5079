"""The shell scripts that give an image the shape in which SWE-bench is graded.

The repository at /testbed, and an environment named `testbed` that
`source /opt/miniconda3/bin/activate; conda activate testbed` activates. It is
active from the start in every other shell, too. A link to its Python is its
Python, as it is with conda.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from importlib import resources

from envs.images import FORGET_PACKAGES, INSTALL_PACKAGES, SYSTEM_PATH
from envs.task import Recipe

CONDA = "/opt/miniconda3"
ENVIRONMENT = f"{CONDA}/envs/testbed"
ROOT = "/testbed"


def conda_functions() -> str:
    """The text of the stand-in for conda."""
    return _text("conda.sh")


def shell_variables(recipe: Recipe) -> dict[str, str]:
    """What every shell has that reads no start file; login shells read /etc/profile.d."""
    return {
        "PATH": f"{ENVIRONMENT}/bin:{CONDA}/bin:/usr/local/bin:{SYSTEM_PATH}",
        "CONDA_PREFIX": ENVIRONMENT,
        "CONDA_DEFAULT_ENV": "testbed",
        "LANG": "C.UTF-8",
        **dict(recipe.environment),
    }


def environment_script(recipe: Recipe, interpreter: str) -> str:
    """Install Debian packages, the environment `testbed` and its pins on a base image."""
    packages = shlex.join(recipe.apt)
    install = f"{ENVIRONMENT}/bin/pip install --no-cache-dir --progress-bar off -- "
    lines = [
        f"packages={shlex.quote(packages)}",
        'command -v git > /dev/null || packages="$packages git ca-certificates"',
        f'[ -z "$packages" ] || {{ {INSTALL_PACKAGES}$packages{FORGET_PACKAGES}; }}',
        f"python=$(command -v {shlex.quote(interpreter)})",
        f"mkdir -p {CONDA}/bin {CONDA}/etc/profile.d",
        f'ln -sf "$python" {CONDA}/bin/python; ln -sf "$python" {CONDA}/bin/python3',
        _write(f"{CONDA}/etc/profile.d/conda.sh", conda_functions()),
        _write(f"{CONDA}/bin/activate", _sourcing('conda activate "${1:-base}"')),
        _write(f"{CONDA}/bin/conda", "#!/bin/sh\n" + _sourcing('conda "$@"')),
        _write("/etc/profile.d/testbed.sh", _sourcing("conda activate testbed")),
        f"chmod +x {CONDA}/bin/conda",
        "echo '. /etc/profile.d/testbed.sh' >> /root/.bashrc",
        f'"$python" -m venv {ENVIRONMENT}',
        "packages=$(\"$python\" -c 'import site; print(site.getsitepackages()[0])')",
        'mkdir -p "$packages"',
        _write('"$packages"/testbed_links.py', _text("testbed_links.py")),
        _write('"$packages"/testbed_links.pth', "import testbed_links\n"),
        install + shlex.join(recipe.pip) if recipe.pip else "true",
        "bash -euc " + shlex.quote(_CHECK),
    ]
    return "\n".join(lines)


def repository_script(install: Sequence[str]) -> str:
    """Run the install commands in the repository; what they change in it is committed.

    A grader that takes back changes of a patch would otherwise take back those, too.
    """
    commands = [f"bash -euo pipefail -c {shlex.quote(command)}" for command in install]
    identity = "-c user.name=cwm-agent -c user.email=images@cwm-agent.invalid"
    changed = f"git {identity} commit -q -a --no-verify -m 'Set up the environment'"
    return "\n".join([f"cd {ROOT}", *commands, f"git diff --quiet HEAD || {changed}"])


def build_variables() -> Mapping[str, str]:
    """Set for install commands alone."""
    return {"PIP_NO_CACHE_DIR": "off", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}


_CHECK = f"""
. {CONDA}/bin/activate
conda activate testbed
test "$(command -v python)" = {ENVIRONMENT}/bin/python
bash -lc 'test "$(command -v python)" = {ENVIRONMENT}/bin/python'
"""


def _text(name: str) -> str:
    return (resources.files("envs") / "scripts" / name).read_text()


def _sourcing(then: str) -> str:
    return f". {CONDA}/etc/profile.d/conda.sh\n{then}\n"


def _write(path: str, text: str) -> str:
    return f"printf %s {shlex.quote(text)} > {path}"
