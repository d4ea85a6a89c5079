"""A recipe as a virtual environment on the host, for sandboxes that share its file system."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from envs.images.host_program import run_watched
from envs.images.keys import content_key
from envs.images.recipes import SYSTEM_PATH
from envs.progress import Say, quiet
from envs.task import Recipe

COMPLETE = "complete"


@dataclass(frozen=True, slots=True)
class HostEnvironment:
    """Variables for the sandbox's shell, and host folders that it must see, read-only."""

    variables: Mapping[str, str]
    read_only: tuple[Path, ...]


def host_environment(recipe: Recipe, progress: Say = quiet) -> HostEnvironment:
    """The recipe's pip pins in a cached virtual environment; made on first use.

    Debian packages of a recipe are not installed: the sandbox sees this host's
    programs. Raises SandboxError when the pins cannot be installed.
    """
    from filelock import FileLock
    from platformdirs import user_cache_path

    environments = user_cache_path("cwm-agent") / "environments"
    folder = environments / content_key(recipe.pip, sys.version, sys.base_prefix)
    if not (folder / COMPLETE).exists():
        environments.mkdir(parents=True, exist_ok=True)
        with FileLock(environments / f"{folder.name}.lock"):
            if not (folder / COMPLETE).exists():
                progress(f"making the environment {folder} (once per recipe)")
                _make(folder, recipe, progress)
    if recipe.apt:
        progress(f"not installed, used from this host where it has them: {', '.join(recipe.apt)}")
    variables = {"VIRTUAL_ENV": str(folder), "PATH": f"{folder}/bin:{SYSTEM_PATH}"}
    return HostEnvironment(
        variables=variables | dict(recipe.environment),
        read_only=(folder, Path(sys.base_prefix)),
    )


def _make(folder: Path, recipe: Recipe, progress: Say) -> None:
    """Scripts in an environment name its path, so it is made in place and marked when whole.

    Python's `-I` keeps out PYTHONPATH, whose packages pip would take for installed.
    """
    if folder.exists():
        shutil.rmtree(folder)
    _run([sys.executable, "-I", "-m", "venv", str(folder)], progress)
    if recipe.pip:
        pip = [str(folder / "bin" / "python"), "-I", "-m", "pip", "install", "--no-input"]
        _run(
            [*pip, "--disable-pip-version-check", "--progress-bar", "off", "--", *recipe.pip],
            progress,
        )
    (folder / COMPLETE).touch()


def _run(command: list[str], progress: Say) -> None:
    run_watched(
        command,
        progress,
        what=" ".join(command[:4]),
        remedy="check the network, the pins and free disk space "
        "(on Debian also: apt-get install python3-venv)",
    )
