"""The images that sandboxes start from: one small base, and one for each recipe on top of it.

Every image is named by a key over what goes into it, so an image that exists
is the right one. `cwm-agent images prune` removes them.
"""

from __future__ import annotations

import platform
import shlex
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from envs.errors import SandboxError
from envs.images.build import Build, build_image
from envs.images.debootstrap import as_tar, bootstrap, can_bootstrap
from envs.images.keys import content_key, image_lock, present
from envs.images.pull import pull_once, slowly
from envs.images.pull_errors import PullError
from envs.images.store import LABEL
from envs.progress import Say, quiet
from envs.task import Recipe

if TYPE_CHECKING:
    from docker import DockerClient


SUITE = "bookworm"
"""The Debian release of the base image; others can be asked for."""
PACKAGES = ("ca-certificates", "git", "procps", "python3", "python3-pip", "python3-venv")
PROXY_PACKAGES = ("squid", "socat")
PROXY_FOLDER = "/run/egress"
VENV = "/opt/venv"
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
REGISTRY_SECONDS = 10.0
LINE_SECONDS = 5.0

INSTALL_PACKAGES = "export DEBIAN_FRONTEND=noninteractive; apt-get update; apt-get install -y "
FORGET_PACKAGES = "; apt-get clean; rm -rf /var/lib/apt/lists/*"


def base_image(client: DockerClient, progress: Say = quiet, *, suite: str = SUITE) -> str:
    """The tag of an image of a Debian release with bash, git and Python; made on first use.

    From the public Debian image where the registry answers, else from packages
    with debootstrap (which needs root). Raises SandboxError with the remedy.
    """
    tag = f"cwm-agent/base:{content_key(suite, PACKAGES, platform.machine())}"
    if present(client, tag):
        return tag
    with image_lock(tag):
        if present(client, tag):
            return tag
        progress(f"making the base image {tag} (once per machine)")
        public = public_image(suite)
        if _obtain_public(client, public, progress):
            script = INSTALL_PACKAGES + "--no-install-recommends " + " ".join(PACKAGES)
            build = Build(
                tag, public, script + FORGET_PACKAGES, _base_environment(), _labels("base")
            )
            build_image(client, build, progress)
        else:
            _import_bootstrapped(client, tag, suite, progress)
    return tag


def recipe_image(client: DockerClient, recipe: Recipe, progress: Say = quiet) -> str:
    """The tag of an image with the recipe's packages on the base image; made on first use.

    Its pip pins live in a virtual environment that is first in PATH. Raises
    SandboxError with the end of the output when they cannot be installed.
    """
    base = base_image(client, progress)
    tag = (
        f"cwm-agent/recipe:{content_key(base, recipe.apt, recipe.pip, sorted(recipe.environment))}"
    )
    if present(client, tag):
        return tag
    with image_lock(tag):
        if not present(client, tag):
            progress(f"making the image {tag} (once per recipe)")
            environment = {"VIRTUAL_ENV": VENV, "PATH": f"{VENV}/bin:{SYSTEM_PATH}"}
            environment |= dict(recipe.environment)
            build = Build(tag, base, recipe_script(recipe), environment, _labels("recipe"))
            build_image(client, build, progress)
    return tag


def proxy_image(client: DockerClient, progress: Say = quiet) -> str:
    """The tag of an image with the proxy before the allowed hosts; made on first use.

    Raises SandboxError with the end of the output when it cannot be made.
    """
    base = base_image(client, progress)
    tag = f"cwm-agent/proxy:{content_key(base, PROXY_PACKAGES, PROXY_FOLDER)}"
    if present(client, tag):
        return tag
    with image_lock(tag):
        if not present(client, tag):
            progress(f"making the image {tag} (once per machine)")
            script = INSTALL_PACKAGES + "--no-install-recommends " + " ".join(PROXY_PACKAGES)
            script += FORGET_PACKAGES + f"; install -d -o proxy -g proxy -m 700 {PROXY_FOLDER}"
            build = Build(tag, base, script, _base_environment(), _labels("proxy"))
            build_image(client, build, progress)
    return tag


def recipe_script(recipe: Recipe) -> str:
    """The shell script that installs a recipe on the base image."""
    steps = []
    if recipe.apt:
        steps.append(INSTALL_PACKAGES + shlex.join(recipe.apt) + FORGET_PACKAGES)
    steps.append(f"python3 -m venv {VENV}")
    if recipe.pip:
        steps.append(
            f"{VENV}/bin/pip install --no-cache-dir --progress-bar off -- " + shlex.join(recipe.pip)
        )
    return "\n".join(steps)


def _labels(kind: str) -> dict[str, str]:
    return {LABEL: kind}


def _base_environment() -> dict[str, str]:
    return {"PATH": SYSTEM_PATH, "LANG": "C.UTF-8"}


def public_image(suite: str = SUITE) -> str:
    """The public image that the base image is made from where a registry answers."""
    return f"debian:{suite}-slim"


def _obtain_public(client: DockerClient, name: str, progress: Say) -> bool:
    """Have a public Debian image here; False when the registry does not answer in time."""
    if present(client, name):
        return True
    if not _registry_answers(client, name):
        progress(f"no registry answers for {name}")
        return False
    progress(f"pulling {name}")
    try:
        pull_once(client, name, slowly(lambda status: progress(status.line()), every=LINE_SECONDS))
    except PullError as error:
        progress(f"pulling failed: {error.said}")
        return False
    return True


def _registry_answers(client: DockerClient, name: str) -> bool:
    """Whether the engine reaches the registry; asked aside, for the engine may wait minutes."""
    from docker.errors import DockerException

    answers: list[bool] = []

    def ask() -> None:
        try:
            client.images.get_registry_data(name)
        except (DockerException, OSError):
            return
        answers.append(True)

    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    asking.join(REGISTRY_SECONDS)
    return bool(answers)


def _import_bootstrapped(client: DockerClient, tag: str, suite: str, progress: Say) -> None:
    if obstacle := can_bootstrap():
        raise SandboxError(
            f"the base image cannot be made: no registry answers for {public_image(suite)}, and "
            f"{obstacle}; load that image (docker load), or run once as root with debootstrap "
            "installed, or use --sandbox bubblewrap"
        )
    with tempfile.TemporaryDirectory(prefix="cwm-agent-base-") as folder:
        root = Path(folder) / "root"
        bootstrap(root, suite, PACKAGES, progress)
        changes = ['CMD ["bash"]']
        changes += [f"ENV {name}={value}" for name, value in _base_environment().items()]
        changes += [f"LABEL {name}={value}" for name, value in _labels("base").items()]
        repository, _, version = tag.rpartition(":")
        progress("importing the file system into Docker")
        with as_tar(root) as stream:
            client.api.import_image_from_stream(
                stream, repository=repository, tag=version, changes=changes
            )
