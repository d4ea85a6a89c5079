"""The shell scripts that give an image the shape in which SWE-bench is graded.

The repository at /testbed, and an environment named `testbed` that
`source /opt/miniconda3/bin/activate; conda activate testbed` activates. As in
the official images, /opt/miniconda3/bin with another Python comes first in PATH,
and nothing but /root/.bashrc activates `testbed`. A link to its Python is its
Python, as it is with conda.

What the official images have: the Dockerfiles of swebench 4.1, in
swebench/harness/dockerfiles/python.py.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from importlib import resources

from envs.images.recipes import FORGET_PACKAGES, INSTALL_PACKAGES, SYSTEM_PATH
from envs.task import Recipe

CONDA = "/opt/miniconda3"
ENVIRONMENT = f"{CONDA}/envs/testbed"
ROOT = "/testbed"
TOOLS = (
    "build-essential",
    "ca-certificates",
    "curl",
    "git",
    "jq",
    "less",
    "libffi-dev",
    "libtiff-dev",
    "locales",
    "locales-all",
    "openssh-client",
    "patch",
    "python-is-python3",
    "python3",
    "python3-dev",
    "python3-pip",
    "python3-venv",
    "tzdata",
    "wget",
)
"""The Debian packages of the official base image, with those that others recommend there (`patch`
is the grader's last way to apply one), and what makes the environments."""


def conda_functions() -> str:
    """The text of the stand-in for conda."""
    return _text("conda.sh")


def image_variables(recipe: Recipe) -> dict[str, str]:
    """The ENV of the image, which shells that read no start file have."""
    path = f"{CONDA}/bin:/usr/local/bin:{SYSTEM_PATH}"
    return {"PATH": path, "TZ": "Etc/UTC", **dict(recipe.environment)}


def tools_script() -> str:
    """Install what the official base image has, where it is missing, and its second user."""
    packages = " ".join(TOOLS)
    return "\n".join(
        [
            f"missing=; for package in {packages}; do",
            '    dpkg -s "$package" > /dev/null 2>&1 || missing="$missing $package"',
            "done",
            f'[ -z "$missing" ] || {{ {INSTALL_PACKAGES}--no-install-recommends $missing'
            f"{FORGET_PACKAGES}; }}",
            "id nonroot > /dev/null 2>&1 || useradd -m -s /bin/bash nonroot",
        ]
    )


def environment_script(recipe: Recipe, interpreter: str) -> str:
    """Install Debian packages; make the environments `base` and, with its pins, `testbed`."""
    install = f"{ENVIRONMENT}/bin/pip install --no-cache-dir --progress-bar off -- "
    packages = INSTALL_PACKAGES + shlex.join(recipe.apt) + FORGET_PACKAGES
    lines = [
        packages if recipe.apt else "true",
        f"python=$(command -v {shlex.quote(interpreter)})",
        f'"$python" -m venv {CONDA}',
        f"mkdir -p {CONDA}/etc/profile.d {CONDA}/condabin",
        _write(f"{CONDA}/etc/profile.d/conda.sh", conda_functions()),
        _write(f"{CONDA}/bin/activate", _sourcing('conda activate "${1:-base}"')),
        _write(f"{CONDA}/bin/conda", "#!/bin/sh\n" + _sourcing('conda "$@"')),
        f"chmod +x {CONDA}/bin/conda; ln -sf ../bin/conda {CONDA}/condabin/conda",
        _write(
            "/root/.bashrc", f"source {CONDA}/etc/profile.d/conda.sh && conda activate testbed\n"
        ),
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
    active = _sourcing("conda activate testbed")
    commands = [f"bash -euo pipefail -c {shlex.quote(active + command)}" for command in install]
    identity = "-c user.name=cwm-agent -c user.email=images@cwm-agent.invalid"
    changed = f"git {identity} commit -q -a --no-verify -m 'Set up the environment'"
    return "\n".join([f"cd {ROOT}", *commands, f"git diff --quiet HEAD || {changed}"])


def build_variables() -> Mapping[str, str]:
    """Set for install commands alone."""
    return {"PIP_NO_CACHE_DIR": "off", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}


_CHECK = f"""
export PATH={CONDA}/bin:$PATH
test "$(command -v python)" = {CONDA}/bin/python
. ~/.bashrc
test "$(command -v python)" = {ENVIRONMENT}/bin/python
. {CONDA}/bin/activate
conda activate testbed
test "$(command -v python)" = {ENVIRONMENT}/bin/python
"""


def _text(name: str) -> str:
    return (resources.files("envs") / "scripts" / name).read_text()


def _sourcing(then: str) -> str:
    return f". {CONDA}/etc/profile.d/conda.sh\n{then}\n"


def _write(path: str, text: str) -> str:
    return f"printf %s {shlex.quote(text)} > {path}"
