"""Recipes as virtual environments of this host."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from envs.bubblewrap.virtualenv import COMPLETE, host_environment
from envs.errors import SandboxError
from envs.task import Recipe


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


def test_pins_are_installed_once_and_first_in_the_path() -> None:
    recipe = Recipe(("iniconfig==2.3.1",), ("gfortran",), (("GREETING", "hi"),))
    first: list[str] = []
    made = host_environment(recipe, first.append)
    script = ["sh", "-c", 'python -c "import iniconfig; print(iniconfig.__file__)"; echo $GREETING']
    output = subprocess.run(script, env=dict(made.variables), capture_output=True, text=True)
    module, greeting = output.stdout.splitlines()
    folder = made.variables["VIRTUAL_ENV"]
    assert Path(module).is_relative_to(folder)
    assert greeting == "hi"
    assert Path(folder) in made.read_only
    again: list[str] = []
    assert host_environment(recipe, again.append) == made
    assert [line for line in first if "gfortran" in line]  # Debian packages are left to the host
    assert [line for line in again if "gfortran" not in line] == []


def test_an_environment_that_was_not_finished_is_made_anew() -> None:
    folder = Path(host_environment(Recipe()).variables["VIRTUAL_ENV"])
    (folder / COMPLETE).unlink()
    (folder / "bin" / "python").unlink()
    host_environment(Recipe())
    assert (folder / "bin" / "python").exists()


def test_packages_that_lie_elsewhere_do_not_count_as_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    information = tmp_path / "elsewhere" / "iniconfig-2.3.1.dist-info"
    information.mkdir(parents=True)
    (information / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: iniconfig\nVersion: 2.3.1\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(information.parent))
    made = host_environment(Recipe(pip=("iniconfig==2.3.1",)))
    assert list(Path(made.variables["VIRTUAL_ENV"]).rglob("iniconfig/__init__.py"))


def test_pins_that_cannot_be_had_are_named_with_the_output_of_pip(tmp_path: Path) -> None:
    with pytest.raises(SandboxError, match=r"check the network(.|\n)*no-such-file"):
        host_environment(Recipe(pip=(f"{tmp_path}/no-such-file.whl",)))
