"""Images in the shape of SWE-bench: what is in them, and that the official grader takes them."""

from __future__ import annotations

import contextlib
import secrets
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import docker.errors
import pytest

from envs.errors import RecipeError, SandboxError
from envs.images.access import ImageAccess
from envs.images.build import SETTINGS
from envs.images.ledger import Ledger
from envs.images.store import ImageStore
from envs.swebench.testbed_image import RepositoryImage, build_repository_image, check_pins
from envs.task import Recipe

from ..official import NOTHING, Row, diff_of, graded

if TYPE_CHECKING:
    from docker import DockerClient

PINS = (
    "pytest==8.4.2",
    "iniconfig==2.3.1",
    "packaging==26.3",
    "pluggy==1.7.0",
    "Pygments==2.21.0",
)
HELLO = "tests/test_greet.py"
PROJECT = {
    "greet.py": "def greet(name):\n    return 'Hello ' + name.upper()\n",
    HELLO: "from greet import greet\n\n\ndef test_greets():\n    assert greet('A') == 'Hello A'\n",
    "version.txt": "unknown\n",
}


def git(folder: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=a", "-c", "user.email=a@localhost"]
    return subprocess.run(
        ["git", "-C", str(folder), *identity, *arguments],
        check=True, capture_output=True, text=True,
    ).stdout.strip()  # fmt: skip


@pytest.fixture(scope="module")
def client() -> Iterator[DockerClient]:
    import docker

    client = docker.from_env(timeout=600)
    yield client
    client.close()


@pytest.fixture(scope="module")
def upstream(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with a bug, and a later commit that an image must not know of."""
    folder = tmp_path_factory.mktemp("upstream")
    git(folder, "init", "-q", "-b", "main")
    for name, text in PROJECT.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "Start")
    git(folder, "tag", "buggy")
    (folder / "greet.py").write_text("secret = 1\n")
    git(folder, "commit", "-qam", "Later")
    return folder


@dataclass
class Workshop:
    """Builds with names and a record of its own; all that it made is removed in the end."""

    access: ImageAccess
    wanted: RepositoryImage
    said: list[str] = field(default_factory=list)

    def run(self, image: str, *command: str) -> str:
        client = self.access.store.client
        output: bytes = client.containers.run(image, list(command), remove=True, network="none")
        return output.decode()


@pytest.fixture(scope="module")
def workshop(
    client: DockerClient, upstream: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Workshop]:
    prefix = f"cwm-agent-test/{secrets.token_hex(4)}-"
    ledger = Ledger(tmp_path_factory.mktemp("state") / "images.json")
    said: list[str] = []
    wanted = RepositoryImage(
        str(upstream),
        "buggy",
        recipe=Recipe(pip=PINS, environment=(("GREETING", "say $HOME"),)),
        install=("command -v python > version.txt", "printenv > /tmp/printenv"),
        alias=f"{prefix}eval.greet:latest",
    )
    access = ImageAccess(ImageStore(client, ledger, prefix), progress=said.append)
    yield Workshop(access, wanted, said)
    for kind in ("testbed", "eval.greet", "environment", "tools", "environment", "tools", "taken"):
        for image in client.images.list(f"{prefix}{kind}"):
            with contextlib.suppress(docker.errors.APIError):  # another stands on it
                client.images.remove(image.id, force=True)
    assert client.images.list(f"{prefix}*") == []


@pytest.mark.parametrize(
    "pin", ["pytest", "pytest>=8", "pytest==8.*", "-r file", "pytest==8; python_version<'3'"]
)
def test_a_pin_that_is_not_exact_is_refused(pin: str) -> None:
    with pytest.raises(RecipeError, match="not an exact pin"):
        check_pins(Recipe(pip=(*PINS, pin)))


@pytest.mark.docker
@pytest.mark.parametrize(
    ("shell", "environment"),
    [
        (["sh", "-c"], "base"),
        (["bash", "-c"], "base"),
        (["bash", "--noprofile", "--norc", "-c"], "base"),
        (["bash", "-ic"], "testbed"),
        (["bash", "-lc"], "testbed"),
        (["env", "-i", "HOME=/root", "bash", "-lc"], "testbed"),
    ],
    ids=lambda words: words if isinstance(words, str) else " ".join(words),
)
def test_only_the_start_file_of_bash_activates_the_environment(
    workshop: Workshop, shell: list[str], environment: str
) -> None:
    """So it is in official images; what relies on more works nowhere else."""
    built = build_repository_image(workshop.access, workshop.wanted)
    script = "command -v python; python -c 'import pytest' 2>&1 | tail -n 1; echo $GREETING"
    said = workshop.run(built.name, *shell, script)
    folder = {"base": "/opt/miniconda3", "testbed": "/opt/miniconda3/envs/testbed"}[environment]
    assert said.splitlines()[0] == f"{folder}/bin/python"
    assert ("No module named 'pytest'" in said) == (environment == "base")
    assert shell[0] == "env" or "say $HOME" in said


@pytest.mark.docker
def test_the_tools_of_official_images_are_there(workshop: Workshop) -> None:
    built = build_repository_image(workshop.access, workshop.wanted)
    tools = "gcc make patch wget curl jq git locale-gen less ssh python3 python3-config"
    said = workshop.run(
        built.name, "sh", "-c", f"for tool in {tools}; do command -v $tool || echo no $tool; done\n"
        "id -un nonroot; echo $TZ; locale -a | grep -c en_US.utf8; cat /root/.bashrc",
    )  # fmt: skip
    assert "no " not in said
    assert said.splitlines()[-4:] == [
        "nonroot",
        "Etc/UTC",
        "1",
        "source /opt/miniconda3/etc/profile.d/conda.sh && conda activate testbed",
    ]


@pytest.mark.docker
@pytest.mark.parametrize("python", ["/opt/miniconda3/envs/testbed/bin/python", "/usr/bin/python3"])
def test_only_a_link_to_the_environments_python_is_that_python(
    workshop: Workshop, python: str
) -> None:
    built = build_repository_image(workshop.access, workshop.wanted)
    script = (
        f". ~/.bashrc; ln -s {python} /tmp/first; ln -s first /tmp/second; cd /\n"
        "for each in python /tmp/second; do $each -c '\n"
        "import sys\ntry: import pytest\nexcept ImportError: pytest = None\n"
        "print(sys.prefix, pytest and pytest.__file__)'; done"
    )
    proper, linked = workshop.run(built.name, "bash", "-c", script).splitlines()
    assert "/envs/testbed/lib/" in proper
    assert linked == (proper if "testbed" in python else "/usr None")


@pytest.mark.docker
def test_the_repository_is_at_its_place_without_its_future(
    workshop: Workshop, upstream: Path
) -> None:
    built = build_repository_image(workshop.access, workshop.wanted)
    assert built.commit == git(upstream, "rev-parse", "buggy")
    said = workshop.run(
        built.name, "bash", "-c", "pwd; git rev-parse HEAD~1; git status --porcelain; ls -l .git/.."
    )
    assert said.splitlines()[:2] == ["/testbed", built.commit]
    assert "M " not in said
    assert workshop.run(built.name, "cat", "version.txt").startswith("/opt/miniconda3/envs/testbed")
    known = workshop.run(built.name, "git", "cat-file", "--batch-all-objects", "--batch-check")
    assert git(upstream, "rev-parse", "main") not in known


@pytest.mark.docker
def test_what_the_host_lent_is_gone(workshop: Workshop, client: DockerClient) -> None:
    built = build_repository_image(workshop.access, workshop.wanted)
    lent = workshop.run(built.name, "cat", "/tmp/printenv")
    assert "PIP_NO_CACHE_DIR=off" in lent
    variables = client.images.get(built.name).attrs["Config"]["Env"]
    assert not [line for line in variables if "CERT" in line or "PIP_" in line or "roxy" in line]
    assert "GREETING=say $HOME" in variables
    assert workshop.run(built.name, "sh", "-c", f"ls -d {SETTINGS} || echo none") == "none\n"


@pytest.mark.docker
def test_what_was_built_is_not_built_again(workshop: Workshop, client: DockerClient) -> None:
    built = build_repository_image(workshop.access, workshop.wanted)
    before = len(workshop.said)
    again = build_repository_image(workshop.access, workshop.wanted)
    assert (again.id, again.made) == (built.id, False)
    assert workshop.said[before:] == []
    assert client.images.get(workshop.wanted.alias or "").id == built.id
    own = {image.id: image for image in workshop.access.store.own()}
    assert set(own[built.id].names) == {built.name, workshop.wanted.alias}
    other = build_repository_image(workshop.access, replace(workshop.wanted, install=()))
    assert other.environment == built.environment
    assert other.id != built.id


@pytest.mark.docker
def test_the_name_of_somebody_elses_image_is_not_taken(
    workshop: Workshop, client: DockerClient
) -> None:
    taken = f"{workshop.access.store.prefix}taken"
    client.api.import_image_from_data(b"\0" * 10240, repository=taken, tag="latest")
    with pytest.raises(SandboxError, match="cwm-agent did not make it"):
        build_repository_image(workshop.access, replace(workshop.wanted, alias=taken))


@pytest.mark.docker
def test_an_install_command_that_fails_shows_why(workshop: Workshop) -> None:
    failing = replace(workshop.wanted, install=("echo the reason; exit 3",), alias=None)
    with pytest.raises(SandboxError, match=r"(?s)code 3.*the reason"):
        build_repository_image(workshop.access, failing)


@pytest.mark.docker
def test_an_unknown_python_names_the_known_ones(workshop: Workshop) -> None:
    with pytest.raises(RecipeError, match="give two numbers"):
        build_repository_image(workshop.access, replace(workshop.wanted, python="three"))


@pytest.mark.docker
def test_an_image_that_is_here_can_be_the_base(workshop: Workshop) -> None:
    built = build_repository_image(workshop.access, workshop.wanted)
    on_it = replace(
        workshop.wanted, base=built.environment, python="3.11", recipe=Recipe(), alias=None
    )
    version = workshop.run(
        build_repository_image(workshop.access, on_it).name, "bash", "-lc", "python --version"
    )
    assert version.startswith("Python 3.11.")


@pytest.mark.docker
@pytest.mark.slow
def test_the_official_grader_resolves_gold_and_nothing_else(
    workshop: Workshop,
    client: DockerClient,
    upstream: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    built = build_repository_image(workshop.access, workshop.wanted)
    tree = tmp_path / "tree"
    subprocess.run(["git", "clone", "-q", "-b", "buggy", upstream, tree], check=True)
    (tree / "greet.py").write_text(PROJECT["greet.py"].replace(".upper()", ""))
    gold = diff_of(tree)
    (tree / HELLO).write_text(
        PROJECT[HELLO] + "\n\ndef test_keeps_case():\n    assert greet('a') == 'Hello a'\n"
    )
    row = Row(
        instance="somebody__something-1",
        image=workshop.wanted.alias or "",
        base=built.commit,
        test_patch=diff_of(tree),
        files=(HELLO,),
        command=f"python -m pytest -rA {HELLO}",
        fail_to_pass=(f"{HELLO}::test_keeps_case",),
        pass_to_pass=(f"{HELLO}::test_greets",),
        install="true",
    )
    monkeypatch.chdir(tmp_path)
    right = graded(client, row, gold, "gold")
    assert right["resolved"] is True, right
    wrong = graded(client, row, NOTHING, "nothing")
    assert wrong["patch_successfully_applied"] is True
    assert (wrong["resolved"], wrong["infra_failure"]) == (False, False)
