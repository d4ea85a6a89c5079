"""The environment in which an attempt is done again, like that of `cwm_agent.commands.solve`.

Nobody answers in a replay, but counts of tokens decide where long results are
cut and stand in notices. So the recorded policy's way of counting is needed.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from cwm_agent.attempt.sandboxes import SandboxMaker
from cwm_agent.config.paths import expand
from cwm_agent.config.resolve import Resolved
from cwm_agent.policies.choice import SHARED
from cwm_agent.policies.estimate import EstimatingMeter
from cwm_agent.tasks.job import Job
from envs.environment import Meter
from envs.issue.budget import Limits
from envs.issue.issue import IssueEnvironment
from envs.issue.modes import switches
from model.errors import ModelError
from results.found import Capabilities
from results.records import AttemptStarted
from tools.texts import Texts

MODELS = ("embedded:", "endpoint:")
"""How the names of policies begin that have a checkpoint's tokenizer."""


@dataclass(frozen=True, slots=True)
class PolicyTraits:
    """What an environment must know of the policy that answered."""

    meter: Meter
    thinking: bool
    context_tokens: int | None = None


@dataclass
class EnvironmentFactory:
    """Makes environments of one attempt. `thinking` holds for policies other than a model."""

    job: Job
    resolved: Resolved
    texts: Texts
    maker: SandboxMaker
    repository: Path | None
    thinking: bool
    say: Callable[[str], None]

    def make(self, started: AttemptStarted) -> IssueEnvironment:
        """A closed environment for what one process did; raises SandboxError."""
        found = started.capabilities
        traits, settings = self.traits(started.policy, found), self.resolved.settings
        return IssueEnvironment(
            self.job.task(self.repository),
            self.maker.make(),
            settings.tools,
            self.texts,
            switches(settings.mode, settings.switches),
            self.limits(traits),
            traits.meter,
            time.monotonic,
            thinking=traits.thinking,
            native=found is not None and found.tool_calls == "native",
        )

    def limits(self, traits: PolicyTraits) -> Limits:
        """The recorded limits but the clock's: thinking takes no time in a replay."""
        recorded = self.resolved.settings.limits
        limits = replace(Limits(**recorded.model_dump()), total_seconds=None)
        most = traits.context_tokens or limits.context_tokens
        return replace(limits, context_tokens=min(limits.context_tokens, most))

    def traits(self, policy: str, found: Capabilities | None = None) -> PolicyTraits:
        """How the policy of that recorded name counts; `found` is what its server can do."""
        if policy.startswith(MODELS):
            return self._model
        if found is not None:
            return PolicyTraits(
                EstimatingMeter(), found.thinking, context_tokens=found.context_tokens
            )
        return PolicyTraits(EstimatingMeter(), self.thinking)

    @cached_property
    def _model(self) -> PolicyTraits:
        """The checkpoint's tokenizer; an estimate where the checkpoint is not here any more."""
        from model.checkpoint.layouts import read_shape
        from model.text.tokenizer import Tokenizer

        job, settings = self.job, self.resolved.settings
        source = job.policy.source if job.policy.kind in SHARED else settings.model or ""
        folder = expand(source)
        try:
            return PolicyTraits(Tokenizer.from_folder(folder), True, read_shape(folder).context)
        except (ModelError, OSError) as error:
            self.say(
                f"tokens are estimated because the checkpoint's tokenizer cannot be read: {error}"
            )
            return PolicyTraits(EstimatingMeter(), thinking=True)
