"""The environment of a replay counts tokens as the recorded policy did."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from cwm_agent.attempt.sandboxes import SandboxMaker
from cwm_agent.config.layers import ConfigFiles
from cwm_agent.config.resolve import load_settings
from cwm_agent.policies.choice import PolicyChoice
from cwm_agent.policies.estimate import EstimatingMeter
from cwm_agent.prompts.packs import load
from cwm_agent.replay.environment import EnvironmentFactory
from cwm_agent.tasks.job import Job
from envs.issue.budget import Limits
from envs.sandbox.sandbox import Owner
from model.text.tokenizer import Tokenizer


def place(checkpoint: Path, said: list[str]) -> EnvironmentFactory:
    nowhere = ConfigFiles(system=Path("/none"), user=Path("/none"), project=Path("/none"))
    resolved = load_settings(environment={}, places=nowhere)
    job = Job("i", "issue", PolicyChoice("embedded", str(checkpoint)), "bubblewrap")
    maker = SandboxMaker(job, resolved.settings.sandbox, Owner("r", "i", 0, 1, ""), said.append)
    return EnvironmentFactory(job, resolved, load("default"), maker, None, False, said.append)


@pytest.mark.parametrize("policy", ["embedded:tiny", "endpoint:served-name"])
def test_a_model_is_heard_through_its_tokenizer(
    make_checkpoint: Callable[..., Path], policy: str
) -> None:
    said: list[str] = []
    here = place(make_checkpoint(), said)
    traits = here.traits(policy)
    assert isinstance(traits.meter, Tokenizer)
    assert (traits.thinking, traits.context_tokens) == (True, 512)
    assert here.limits(traits).context_tokens == 512
    assert said == []


def test_without_its_checkpoint_tokens_are_estimated_and_that_is_said(tmp_path: Path) -> None:
    said: list[str] = []
    here = place(tmp_path / "gone", said)
    traits = here.traits("embedded:gone")
    assert isinstance(traits.meter, EstimatingMeter)
    assert traits.thinking
    here.traits("embedded:gone")
    assert len(said) == 1
    assert "tokens are estimated" in said[0]


def test_time_does_not_run_out_in_a_replay(tmp_path: Path) -> None:
    here = place(tmp_path, [])
    limits = here.limits(here.traits("replay:talk"))
    assert limits == Limits(total_seconds=None)
