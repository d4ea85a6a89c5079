"""Makes the sandboxes of one attempt: the one it works in, and clean ones to judge in."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

from cwm_agent.config.settings import SandboxSettings
from cwm_agent.tasks.harbor import unchanged_task
from cwm_agent.tasks.job import Job
from envs.cleanup import sweep
from envs.errors import SandboxError
from envs.harbor.task import HarborTask
from envs.progress import Say
from envs.registry import sandbox_kind
from envs.repository.locate import find_repository
from envs.sandbox.allowed_hosts import parse_hosts
from envs.sandbox.kind import Contents, Prepared, SandboxSpec
from envs.sandbox.sandbox import Owner, Sandbox, SandboxLimits
from envs.task import Recipe


@dataclass
class SandboxMaker:
    """What is slow (an image, a virtual environment) is prepared once, at the first `make`."""

    job: Job
    settings: SandboxSettings
    owner: Owner
    progress: Say

    def locate(self) -> Job:
        """The job with the place of its repository, found in the image where none is named."""
        if not self.job.root and self.job.harbor is not None:
            folder = self._harbor.config.environment.workdir or self._prepared.working_folder()
            self.job = replace(self.job, root=folder)
        if not self.job.root:
            place = replace(self, job=replace(self.job, root="/")).make()
            with place:
                root = find_repository(place, self._prepared.working_folder())
            self.progress(f"the image has its repository at {root}")
            self.job = replace(self.job, root=root)
        return self.job

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
        variables = self.job.variables
        if self.job.harbor is not None:
            limits = self._harbor.limits(limits)
            own = self._harbor.config.environment.env
            variables = {**self._harbor.variables(own, os.environ), **variables}
        spec = SandboxSpec(self.owner, limits, self.job.root, variables)
        return self._prepared.make(spec)

    def prepare(self) -> None:
        """Do what is slow now; raises SandboxError when the contents cannot be had."""
        _ = self._prepared

    @cached_property
    def _harbor(self) -> HarborTask:
        """The job's task as it is now; raises HarborError, also where it was changed since."""
        assert self.job.harbor is not None
        return unchanged_task(self.job.harbor)

    @cached_property
    def _prepared(self) -> Prepared:
        """Without any package a recipe still gives a `python` that may be written to."""
        if self.job.problem is not None:
            raise SandboxError(
                f"{self.job.instance} is a problem and was answered without a sandbox: nothing of "
                "it can be run again; `cwm-agent score` grades the answer",
                cause="not_available",
            )
        contents = Contents(
            self.job.recipe() or Recipe(),
            self.job.image,
            self.job.build,
            min_free=int(self.settings.min_free),
            proxy=bool(self.settings.allow_hosts),
        )
        if self.job.harbor is not None:
            place = self._harbor.config.environment
            contents = replace(
                contents,
                context=self._harbor.context,
                build_seconds=place.build_timeout_sec,
                proxy=contents.proxy or (self.settings.network and bool(place.allowed_hosts)),
            )
        return sandbox_kind(self.job.sandbox).prepare(contents, self.progress)


def clean_up(say: Callable[[str], None]) -> None:
    """Remove sandboxes and working copies without an owner."""
    for orphan in sweep():
        say(f"removed an orphan {orphan.kind}: {orphan.name}")
