"""The sandboxes of a run's attempts: images and environments first, once for all that need them."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass

from cwm_agent.attempt.sandboxes import SandboxMaker
from cwm_agent.batch.attempt_state import AttemptState
from cwm_agent.batch.semaphores import OncePerKey, StoppedError
from cwm_agent.config.settings import SandboxSettings
from envs.sandbox.owner import boot_id
from envs.sandbox.sandbox import Owner, Sandbox

MakeSandbox = Callable[[], Sandbox]


@dataclass(frozen=True, slots=True)
class SandboxFactory:
    """Prepares what an attempt's sandboxes are made of."""

    run: str
    settings: SandboxSettings
    builds: OncePerKey

    def __call__(self, attempt: AttemptState) -> MakeSandbox:
        """A maker of sandboxes that end when the attempt is told to; the job then has a place.

        Waits until image or environment are there; raises SandboxError when
        they cannot be had, StoppedError when the attempt shall end.
        """
        job, stop = attempt.job, attempt.stop
        owner = Owner(self.run, job.instance, attempt.sample, os.getpid(), boot_id())
        maker = SandboxMaker(job, self.settings, owner, attempt.tell)
        key = (
            job.sandbox, job.image, job.pip, job.apt, tuple(sorted(job.environment.items())),
            job.harbor,
        )  # fmt: skip
        attempt.say("waiting for its image or environment")
        self.builds.ensure(key, maker.prepare, stop)
        attempt.job = maker.locate()

        def make() -> Sandbox:
            if stop.stopped:
                raise StoppedError
            sandbox = maker.make()
            stop.kill = sandbox.kill
            return sandbox

        return make
