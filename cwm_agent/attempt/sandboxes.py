"""Makes the sandboxes of one attempt: the one it works in, and clean ones to judge in."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from functools import cached_property

from cwm_agent.config.settings import SandboxSettings
from cwm_agent.tasks.job import Job
from envs.bubblewrap.sandbox import BubblewrapSandbox
from envs.bubblewrap.virtualenv import HostEnvironment, host_environment
from envs.cleanup import sweep
from envs.docker.engine import connect_engine
from envs.docker.sandbox import DockerSandbox
from envs.progress import Progress
from envs.repository.locate import find_repository
from envs.sandbox.allowed_hosts import parse_hosts
from envs.sandbox.sandbox import Owner, Sandbox, SandboxLimits
from envs.task import Recipe

BUILD_SECONDS = 3600.0
"""How long the engine may be silent while it builds an image."""


@dataclass
class SandboxMaker:
    """What is slow (an image, a virtual environment) is prepared once, at the first `make`."""

    job: Job
    settings: SandboxSettings
    owner: Owner
    progress: Progress

    def locate(self) -> Job:
        """The job with the place of its repository, found in the image where none is named."""
        if not self.job.root:
            place = replace(self, job=replace(self.job, root="/")).make()
            with place:
                root = find_repository(place, self._working_folder())
            self.progress(f"the image has its repository at {root}")
            self.job = replace(self.job, root=root)
        return self.job

    def _working_folder(self) -> str:
        with closing(connect_engine()) as client:
            return str(client.images.get(self._image).attrs["Config"].get("WorkingDir") or "/")

    def make(self) -> Sandbox:
        """A new sandbox, not yet open; raises SandboxError when its contents cannot be had."""
        limits = SandboxLimits(
            memory_bytes=int(self.settings.memory),
            pids=self.settings.pids,
            cpus=self.settings.cpus,
            disk_bytes=int(self.settings.disk),
            idle_seconds=self.settings.idle_seconds,
            lifetime_seconds=self.settings.lifetime_seconds,
            network=self.settings.network,
            allowed_hosts=parse_hosts(self.settings.allow_hosts),
        )
        if self.job.sandbox == "docker":
            return DockerSandbox(
                self._image,
                limits=limits,
                owner=self.owner,
                root=self.job.root,
                environment=self.job.variables,
                say=self.progress,
            )
        environment = self._environment
        return BubblewrapSandbox(
            limits=limits,
            owner=self.owner,
            environment={**environment.variables, **self.job.variables},
            read_only_paths=[str(path) for path in environment.read_only],
            root=self.job.root,
        )

    def prepare(self) -> None:
        """Do what is slow now; raises SandboxError when the contents cannot be had."""
        _ = self._image if self.job.sandbox == "docker" else self._environment

    @property
    def _recipe(self) -> Recipe:
        """Without any package it still gives a `python` that may be written to."""
        return self.job.recipe() or Recipe()

    @cached_property
    def _image(self) -> str:
        from envs.images.access import ImageAccess
        from envs.images.pull_errors import PullError
        from envs.images.recipes import proxy_image, recipe_image
        from envs.images.store import ImageStore

        with closing(connect_engine(timeout=BUILD_SECONDS)) as client:
            name = self.job.image or recipe_image(client, self._recipe, self.progress)
            access = ImageAccess(
                ImageStore.of_engine(client),
                min_free=int(self.settings.min_free),
                progress=self.progress,
            )
            try:
                access.have(name)
            except PullError as error:
                raise error.buildable(self.job.build) from error
            if self.settings.allow_hosts:
                proxy_image(client, self.progress)
            return name

    @cached_property
    def _environment(self) -> HostEnvironment:
        return host_environment(self._recipe, self.progress)


def clean_up(say: Callable[[str], None]) -> None:
    """Remove sandboxes and working copies without an owner."""
    for stray in sweep():
        say(f"removed a stray {stray.kind}: {stray.name}")
