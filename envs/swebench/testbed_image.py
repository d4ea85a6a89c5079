"""Images of one commit of a repository, in the shape that SWE-bench's grader expects.

Two layers on a base: the environment (shared by all commits that need the same
packages) and the repository with what its install commands did. Both are named
by a key over all that goes in.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from envs.errors import RecipeError, SandboxError
from envs.images.access import ImageAccess
from envs.images.build import Build, build_image
from envs.images.keys import content_key, image_lock, present
from envs.images.ledger import familiar
from envs.images.pull_errors import PullError
from envs.images.recipes import base_image
from envs.images.store import LABEL, PREFIX, ImageStore
from envs.sandbox.owner import scratch_folder
from envs.swebench.git_source import export_commit, resolve_commit
from envs.swebench.testbed_scripts import (
    ROOT,
    build_variables,
    environment_script,
    image_variables,
    repository_script,
    tools_script,
)
from envs.task import Recipe

if TYPE_CHECKING:
    from docker import DockerClient

SUITES = {"3.9": "bullseye", "3.11": "bookworm", "3.13": "trixie"}
"""Pythons that a Debian release brings along, so that no registry is needed for them."""
PIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(\[[A-Za-z0-9._,-]+\])?==[^*\s;@]+")
COMMIT_LABEL = "cwm-agent.commit"


@dataclass(frozen=True, slots=True)
class RepositoryImage:
    """What to build.

    `source` is a local repository or an address, `commit` an id, branch or tag
    of it; `recipe.pip` are exact pins. `install` are bash commands, run in the
    repository with the environment active. `base` is an image that has the
    wanted Python and apt-get; without it, one is chosen by `python`. `alias` is
    a name beside the key's, such as the one in a SWE-bench row. `network` is the
    engine's network to build in: with "host" a proxy on this machine's loopback
    address is reached.
    """

    source: str
    commit: str = "HEAD"
    python: str | None = None
    recipe: Recipe = field(default_factory=Recipe)
    install: tuple[str, ...] = ()
    base: str | None = None
    alias: str | None = None
    depth: int | None = None
    network: str | None = None


@dataclass(frozen=True, slots=True)
class BuiltImage:
    """What came out. `made` says whether anything had to be done."""

    name: str
    alias: str | None
    id: str
    commit: str
    environment: str
    made: bool


def build_repository_image(access: ImageAccess, wanted: RepositoryImage) -> BuiltImage:
    """The image, made on first use; nothing is fetched when it is here already.

    (A name of a branch at an address is looked up there first.) Raises
    RecipeError for a pin that is not exact, SandboxError with the end of the
    output when something cannot be installed or the alias is another image's.
    """
    check_pins(wanted.recipe)
    store = access.store
    commit = resolve_commit(wanted.source, wanted.commit)
    environment = _environment(access, wanted)
    script = repository_script(wanted.install)
    name = f"{store.prefix}testbed:{content_key(environment, commit, script, wanted.depth)}"
    made = False
    with image_lock(name):
        if not present(store.client, name):
            store.make_room(access.min_free, keep=[environment], progress=access.progress)
            access.progress(f"making the image {name} of commit {commit[:12]}")
            _build_repository(access, wanted, commit, environment, name)
            made = True
    image_id = str(store.client.images.get(name).id)
    store.ledger.record(name, image_id, "built")
    if wanted.alias:
        _name_also(store, name, image_id, wanted.alias)
    return BuiltImage(name, wanted.alias, image_id, commit, environment, made)


def check_pins(recipe: Recipe) -> None:
    """Raises RecipeError for the first pin that allows more than one version."""
    for pin in recipe.pip:
        if not PIN.fullmatch(pin):
            raise RecipeError(
                f"'{pin}' is not an exact pin, so the image would depend on the build date; "
                "give NAME==VERSION, such as pytest==8.4.2"
            )


def _environment(access: ImageAccess, wanted: RepositoryImage) -> str:
    """The name of the image with the packages, made on first use."""
    store, recipe = access.store, wanted.recipe
    base, interpreter = _base(access, wanted)
    base = _with_tools(access, base, wanted)
    script = environment_script(recipe, interpreter)
    variables = image_variables(recipe)
    base_id = str(store.client.images.get(base).id)
    name = f"{store.prefix}environment:{content_key(base_id, script, variables)}"
    with image_lock(name):
        if not present(store.client, name):
            store.make_room(access.min_free, keep=[base], progress=access.progress)
            access.progress(f"making the environment {name}")
            labels = {LABEL: "environment"}
            build_image(
                store.client,
                Build(name, base, script, variables, labels, network=wanted.network),
                access.progress,
            )
    store.ledger.record(name, str(store.client.images.get(name).id), "built")
    return name


def _with_tools(access: ImageAccess, base: str, wanted: RepositoryImage) -> str:
    """The name of an image with the official tools on `base`, made on first use."""
    store, script = access.store, tools_script()
    prefix = PREFIX if wanted.base is None else store.prefix
    name = f"{prefix}tools:{content_key(str(store.client.images.get(base).id), script)}"
    with image_lock(name):
        if not present(store.client, name):
            store.make_room(access.min_free, keep=[base], progress=access.progress)
            access.progress(f"installing the tools of official images ({name}, once per base)")
            build = Build(name, base, script, {}, {LABEL: "tools"}, network=wanted.network)
            build_image(store.client, build, access.progress)
    store.ledger.record(name, str(store.client.images.get(name).id), "built")
    return name


def _base(access: ImageAccess, wanted: RepositoryImage) -> tuple[str, str]:
    """An image with the Python that is wanted, and what the interpreter is called there."""
    python = wanted.python
    if wanted.base is not None:
        access.have(wanted.base)
        return wanted.base, f"python{python}" if python else "python3"
    if python is None or python in SUITES:
        client: DockerClient = access.store.client
        suite = SUITES[python or "3.11"]
        name = base_image(client, access.progress, suite=suite)
        access.store.ledger.record(name, str(client.images.get(name).id), "built")
        return name, "python3"
    if not re.fullmatch(r"\d+\.\d+", python):
        raise RecipeError(f"'{python}' is not a Python version; give two numbers, such as 3.9")
    try:
        access.have(f"python:{python}-slim")
    except PullError as error:
        raise SandboxError(
            f"there is no Python {python} to build on ({error.said}). Available without "
            f"a registry: {', '.join(SUITES)}; else name an image that has it with --base"
        ) from error
    return f"python:{python}-slim", f"python{python}"


def _build_repository(
    access: ImageAccess, wanted: RepositoryImage, commit: str, environment: str, name: str
) -> None:
    with scratch_folder("source") as folder:
        tree = folder / "tree"
        for notice in export_commit(wanted.source, commit, tree, depth=wanted.depth):
            access.progress(notice)
        build = Build(
            name,
            environment,
            repository_script(wanted.install),
            labels={LABEL: "testbed", COMMIT_LABEL: commit},
            trees={ROOT: tree},
            script_environment=build_variables(),
            working_dir=ROOT,
            network=wanted.network,
        )
        build_image(access.store.client, build, access.progress)


def _name_also(store: ImageStore, name: str, image_id: str, alias: str) -> None:
    """Give the image its other name, unless somebody else's image bears it."""
    from docker.errors import ImageNotFound

    try:
        bearer = store.client.images.get(alias).id
    except ImageNotFound:
        bearer = None
    own = {image.id for image in store.own()}
    if bearer not in (None, image_id) and bearer not in own:
        raise SandboxError(
            f"there is an image {alias} already, and cwm-agent did not make it; remove it "
            f"(docker image rm {alias}) or choose another name. What was built is {name}"
        )
    repository, _, tag = familiar(alias).rpartition(":")
    store.client.images.get(name).tag(repository, tag)
    store.ledger.record(alias, image_id, "built")
