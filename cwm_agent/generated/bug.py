"""A bug in a generated function."""

from __future__ import annotations

from dataclasses import dataclass

from cwm_agent.generated.mutation import Mutation
from cwm_agent.generated.probes import Probe
from cwm_agent.generated.templates.template import Function


@dataclass(frozen=True, slots=True)
class Bug:
    """One wrong function. `shown` is the probe that the issue quotes."""

    function: Function
    mutation: Mutation
    module: str
    probes: tuple[Probe, ...]
    shown: Probe

    @property
    def wrong_source(self) -> str:
        """The function as it stands in the repository."""
        return self.mutation.apply(self.function.source)
