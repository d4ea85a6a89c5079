"""Base and recipe images on a real engine."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from envs.errors import SandboxError
from envs.images.build import SETTINGS, Build, build_image, container_name
from envs.images.keys import content_key
from envs.images.recipes import base_image, recipe_image, recipe_script
from envs.task import Recipe

if TYPE_CHECKING:
    from docker import DockerClient


@pytest.fixture(scope="module")
def client() -> Iterator[DockerClient]:
    import docker

    client = docker.from_env()
    yield client
    client.close()


@pytest.fixture
def scratch_tag(client: DockerClient) -> Iterator[str]:
    yield "cwm-agent-test/scratch:1"
    for image in client.images.list("cwm-agent-test/scratch"):
        client.images.remove(image.id, force=True)


def run(client: DockerClient, tag: str, script: str) -> str:
    output: bytes = client.containers.run(
        tag, ["sh", "-c", script], remove=True, network_mode="none"
    )
    return output.decode()


def silent(line: str) -> None:
    pass


def test_a_key_changes_with_every_part() -> None:
    keys = {content_key("a"), content_key("b"), content_key("a", ["b"]), content_key("a", "b")}
    assert len(keys) == 4
    assert content_key("a", ("b",)) == content_key("a", ["b"])


def test_a_recipe_without_packages_installs_nothing() -> None:
    assert recipe_script(Recipe()) == "python3 -m venv /opt/venv"


def test_names_in_a_recipe_are_quoted_for_the_shell() -> None:
    assert "'a==1; rm -rf /'" in recipe_script(Recipe(pip=("a==1; rm -rf /",)))


@pytest.mark.docker
def test_the_base_image_has_what_a_repository_needs(client: DockerClient) -> None:
    tag = base_image(client)
    found = run(client, tag, "bash --version && git --version && python3 -m venv /tmp/v && ps")
    assert "GNU bash" in found
    assert "git version" in found


@pytest.mark.docker
def test_a_recipe_has_its_pins_and_variables_first_in_reach(client: DockerClient) -> None:
    recipe = Recipe(pip=("iniconfig==2.3.1",), environment=(("GREETING", 'say "hi" to $HOME'),))
    tag = recipe_image(client, recipe)
    script = 'python -c "import iniconfig; print(iniconfig.__file__)"; printenv GREETING'
    module, greeting = run(client, tag, script).splitlines()
    assert module.startswith("/opt/venv/lib/")
    assert greeting == 'say "hi" to $HOME'
    assert recipe_image(client, recipe) == tag
    assert client.images.get(tag).labels["cwm-agent.image"] == "recipe"


@pytest.mark.docker
def test_lent_settings_are_seen_by_the_script_and_are_in_no_layer(
    client: DockerClient, scratch_tag: str
) -> None:
    script = f"test -d {SETTINGS}; printenv > /seen; date > /made"
    build_image(client, Build(scratch_tag, base_image(client), script), silent)
    made = client.images.get(scratch_tag)
    assert SETTINGS not in run(client, scratch_tag, f"ls -d {SETTINGS} 2>&1 | cut -c1-4; env")
    assert not [line for line in made.attrs["Config"]["Env"] if "CERT" in line or "APT" in line]
    assert len(made.history()) == len(client.images.get(base_image(client)).history()) + 1


@pytest.mark.docker
def test_a_failing_build_shows_its_last_lines_and_leaves_nothing(
    client: DockerClient, scratch_tag: str
) -> None:
    build = Build(scratch_tag, base_image(client), "echo the reason; exit 7")
    with pytest.raises(SandboxError, match=r"code 7(.|\n)*the reason"):
        build_image(client, build, silent)
    assert (
        client.containers.list(all=True, sparse=True, filters={"name": container_name(scratch_tag)})
        == []
    )
    assert client.images.list("cwm-agent-test/scratch") == []


@pytest.mark.docker
def test_a_container_left_by_a_killed_build_is_removed_by_the_next(
    client: DockerClient, scratch_tag: str
) -> None:
    base = base_image(client)
    orphan = client.containers.create(base, "true", name=container_name(scratch_tag))
    build_image(client, Build(scratch_tag, base, "true"), silent)
    assert orphan.id not in {each.id for each in client.containers.list(all=True, sparse=True)}


@pytest.mark.slow
@pytest.mark.docker
def test_many_builders_of_one_recipe_make_it_once(client: DockerClient) -> None:
    recipe = Recipe(environment=(("MARK", "many builders"),))
    tag = recipe_image(client, recipe)
    client.images.remove(tag, force=True)
    announced: list[str] = []
    threads = [
        threading.Thread(target=recipe_image, args=(client, recipe, announced.append))
        for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [line for line in announced if line.startswith("making the image")] == [
        f"making the image {tag} (once per recipe)"
    ]
    client.images.remove(tag, force=True)
